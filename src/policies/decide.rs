//! Decides one access request: reads the facts, then evaluates the policies.

use super::Policies;
use super::decision_input::{
    Decision, DecisionInput, PrefetchedFacts, Question, Subject, is_action,
};
use super::evaluate::StepUpSearch;
use crate::account_state::Unavailable;
use crate::assignments::{Assignments, HeldRoles, attributes_of};
use crate::base::clock::Clock;

/// Decides access requests by the policies in force and the stored facts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DecisionEngine {
    pub policies: Policies,
    /// The stored facts: roles on resources, and the resources' attributes.
    pub assignments: Assignments,
    pub clock: Clock,
}

impl DecisionEngine {
    /// Adds the stored facts to a question, and decides it. The caller has already checked the subject's account or client state.
    /// An error must not be treated as a permission.
    pub async fn decide(
        &self,
        question: Question,
        prefetched: PrefetchedFacts,
    ) -> Result<Decision, Unavailable> {
        if !is_action(&question.0.action) {
            return Ok(Decision::default());
        }
        let input = self.add_facts(question, prefetched).await?;
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

    /// Adds the stored facts to a question. Reads the roles and the attributes concurrently, unless they were prefetched.
    pub async fn add_facts(
        &self,
        question: Question,
        prefetched: PrefetchedFacts,
    ) -> Result<DecisionInput, Unavailable> {
        let Question(input) = &question;
        let held = async {
            match (prefetched.held, &input.subject) {
                (Some(held), _) => Ok(held),
                (None, Subject::Person { account_state, .. }) => {
                    let held = self.assignments.held_roles(account_state, &input.resource);
                    held.await
                }
                (None, Subject::Client(_) | Subject::ExternalSubject { .. }) => {
                    Ok(HeldRoles::default())
                }
            }
        };
        let attributes = async {
            match prefetched.attributes {
                Some(attributes) => Ok(attributes),
                None => {
                    let resource = self.assignments.resource(&input.resource).await?;
                    Ok::<_, Unavailable>(attributes_of(resource))
                }
            }
        };
        let (held, attributes) = tokio::join!(held, attributes);
        let resource_roles = held?.at(input.now).to_vec();
        Ok(question.with_facts(resource_roles, attributes?))
    }
}
