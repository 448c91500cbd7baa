//! Decides one access request: reads the facts, then evaluates the policies.

use serde_json::{Map, Value};

use super::policies::{Challenge, Facts};
use super::question::is_action;
use super::thing::attributes;
use super::{Access, Decision, Question, Subject};
use crate::standing::Unavailable;

type Attributes = Map<String, Value>;

impl Access {
    /// Decides by the current contents of the stores. The caller has already checked the subject's account or client state.
    ///
    /// # Errors
    /// A store that is needed is unavailable. The caller must not treat this as a permission.
    pub async fn decide(&self, question: Question) -> Result<Decision, Unavailable> {
        if !is_action(&question.action) {
            return Ok(Decision::default());
        }
        let facts = self.gather(question).await?;
        let decision = self.policies.decide(&facts, Challenge::Look);
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
    pub(super) async fn gather(&self, question: Question) -> Result<Facts, Unavailable> {
        let now = self.clock.now();
        let (held, attributes) =
            tokio::join!(self.grants_of(&question), self.attributes_of(&question));
        let (held, attributes) = (held?, attributes?);
        Ok(Facts {
            grants: held.at(now).to_vec(),
            attributes,
            subject: question.subject,
            action: question.action,
            resource: question.resource,
            claimed: question.claimed,
            now,
        })
    }

    async fn grants_of(&self, question: &Question) -> Result<super::Held, Unavailable> {
        match (&question.at_hand.held, &question.subject) {
            (Some(held), _) => Ok(held.clone()),
            (None, Subject::Person { standing, .. }) => {
                self.held(standing, &question.resource).await
            }
            (None, Subject::Client(_) | Subject::Outsider { .. }) => Ok(super::Held::default()),
        }
    }

    async fn attributes_of(&self, question: &Question) -> Result<Attributes, Unavailable> {
        if let Some(attributes) = &question.at_hand.attributes {
            return Ok(attributes.clone());
        }
        Ok(attributes(self.thing(&question.resource).await?))
    }
}
