//! One question: what is known is read, then the policies are asked.

use super::policies::{Challenge, Facts};
use super::{Access, Decision, Question, Subject};
use crate::standing::Unavailable;

/// The longest name of an action, in characters.
const LONGEST_ACTION: usize = 256;

/// Whether this can be the name of an action.
pub fn is_action(name: &str) -> bool {
    (1..=LONGEST_ACTION).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

impl Access {
    /// Decides by what the stores hold now. Whoever asks has seen to it that the subject passed the gate.
    ///
    /// # Errors
    /// When a store that is needed is away: nobody knows, which is no yes.
    pub async fn decide(&self, question: Question) -> Result<Decision, Unavailable> {
        let decision = self.decide_with(question, Challenge::Look).await?;
        Ok(decision)
    }

    /// As [`Access::decide`]; a search does not look what would have been enough.
    ///
    /// # Errors
    /// As [`Access::decide`].
    pub(super) async fn decide_with(
        &self,
        question: Question,
        challenge: Challenge,
    ) -> Result<Decision, Unavailable> {
        if !is_action(&question.action) {
            return Ok(Decision::default());
        }
        let facts = self.gather(question).await?;
        let decision = self.policies.decide(&facts, challenge);
        for error in &decision.errors {
            tracing::warn!(%error, "a policy fails, and the answer is no");
        }
        Ok(decision)
    }

    /// Reads what the decision rests on: at most two copies, at the same time.
    async fn gather(&self, question: Question) -> Result<Facts, Unavailable> {
        let now = self.clock.now();
        let (held, thing) = tokio::join!(self.grants_of(&question), self.thing(&question.resource));
        let (held, thing) = (held?, thing?);
        Ok(Facts {
            grants: held.at(now).to_vec(),
            attributes: thing.map(|thing| thing.attributes).unwrap_or_default(),
            subject: question.subject,
            action: question.action,
            resource: question.resource,
            claimed: question.claimed,
            now,
        })
    }

    async fn grants_of(&self, question: &Question) -> Result<super::Held, Unavailable> {
        match (&question.held, &question.subject) {
            (Some(held), _) => Ok(held.clone()),
            (None, Subject::Person { standing, .. }) => {
                self.held(standing, &question.resource).await
            }
            (None, Subject::Client(_) | Subject::Outsider { .. }) => Ok(super::Held::default()),
        }
    }
}
