//! Decides one access request: reads the facts, then evaluates the policies.

use serde_json::{Map, Value};

use super::Policies;
use super::access_request::{AccessRequest, Decision, Subject, is_action};
use super::evaluate::StepUpSearch;
use super::input::DecisionInput;
use crate::account_state::Unavailable;
use crate::assignments::{Assignments, HeldRoles, attributes_of};
use crate::base::clock::Clock;

type Attributes = Map<String, Value>;

/// Decides access requests by the policies in force and the stored facts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DecisionEngine {
    /// The policies.
    pub policies: Policies,
    /// The stored facts: roles on resources, and the resources' attributes.
    pub assignments: Assignments,
    /// Source of the current time.
    pub clock: Clock,
}

impl DecisionEngine {
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

    /// Completes a request with the stored facts. Reads the roles and the attributes concurrently, unless the request already
    /// contains them.
    pub async fn gather(&self, request: AccessRequest) -> Result<DecisionInput, Unavailable> {
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

    async fn held_roles_of(&self, request: &AccessRequest) -> Result<HeldRoles, Unavailable> {
        match (&request.prefetched.held, &request.subject) {
            (Some(held), _) => Ok(held.clone()),
            (None, Subject::Person { account_state, .. }) => {
                self.assignments
                    .held_roles(account_state, &request.resource)
                    .await
            }
            (None, Subject::Client(_) | Subject::ExternalSubject { .. }) => {
                Ok(HeldRoles::default())
            }
        }
    }

    async fn attributes_of(&self, request: &AccessRequest) -> Result<Attributes, Unavailable> {
        if let Some(attributes) = &request.prefetched.attributes {
            return Ok(attributes.clone());
        }
        let resource = self.assignments.resource(&request.resource).await?;
        Ok(attributes_of(resource))
    }
}
