//! Decides one access request: reads the facts, then evaluates the policies.

use serde_json::{Map, Value};

use super::access_request::is_action;
use super::policies::{DecisionInput, StepUpSearch};
use super::resource::attributes;
use super::{Access, AccessRequest, Decision, Subject};
use crate::account_state::Unavailable;

type Attributes = Map<String, Value>;

impl Access {
    /// Decides by the current contents of the stores. The caller has already checked the subject's account or client state.
    ///
    /// # Errors
    /// A store that is needed is unavailable. The caller must not treat this as a permission.
    pub async fn decide(&self, request: AccessRequest) -> Result<Decision, Unavailable> {
        if !is_action(&request.action) {
            return Ok(Decision::default());
        }
        let input = self.gather(request).await?;
        let decision = self.policies.decide(&input, StepUpSearch::Search);
        if let Some(error) = decision.errors.first() {
            // The rest of the message may quote claimed properties, so that only its first part is logged. `doorward policy
            // explain` prints the whole message.
            let at = error.split(": ").next();
            let failed = decision.errors.len();
            tracing::warn!(
                at,
                failed,
                "a policy failed or can't be evaluated; the decision is deny"
            );
        }
        Ok(decision)
    }

    /// Reads the roles and the attributes concurrently, unless the request already contains them.
    pub(super) async fn gather(
        &self,
        request: AccessRequest,
    ) -> Result<DecisionInput, Unavailable> {
        let now = self.clock.now();
        let (held, attributes) =
            tokio::join!(self.held_roles_of(&request), self.attributes_of(&request));
        let (held, attributes) = (held?, attributes?);
        Ok(DecisionInput {
            resource_roles: held.at(now).to_vec(),
            attributes,
            subject: request.subject,
            action: request.action,
            resource: request.resource,
            claimed: request.claimed,
            now,
        })
    }

    async fn held_roles_of(
        &self,
        request: &AccessRequest,
    ) -> Result<super::HeldRoles, Unavailable> {
        match (&request.prefetched.held, &request.subject) {
            (Some(held), _) => Ok(held.clone()),
            (None, Subject::Person { account_state, .. }) => {
                self.held_roles(account_state, &request.resource).await
            }
            (None, Subject::Client(_) | Subject::ExternalSubject { .. }) => {
                Ok(super::HeldRoles::default())
            }
        }
    }

    async fn attributes_of(&self, request: &AccessRequest) -> Result<Attributes, Unavailable> {
        if let Some(attributes) = &request.prefetched.attributes {
            return Ok(attributes.clone());
        }
        Ok(attributes(self.resource(&request.resource).await?))
    }
}
