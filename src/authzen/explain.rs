//! Explains a decision for the operator: the policies that determined it and the facts from the real stores.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::request::EvaluationRequest;
use super::{AuthZen, AuthZenError};
use crate::account_state::Unavailable;
use crate::policies::{PrefetchedFacts, StepUpSearch, Subject, is_action};
use crate::sessions::SessionAuthentication;

/// A sign-in to assume for the decision.
#[derive(Clone, Debug)]
pub struct AssumedSignIn {
    /// `acr` of the sign-in.
    pub acr: String,
    /// Age of the sign-in in seconds.
    pub age: u64,
}

/// A decision and the facts that it depends on.
#[derive(Debug, Serialize)]
pub struct Explanation {
    pub decision: bool,
    pub policies: Vec<String>,
    pub errors: Vec<String>,
    /// The subject as policies see it: `User`, `Client` or `ExternalSubject`, with its ID.
    pub principal: String,
    pub roles: Vec<String>,
    pub resource_roles: Vec<String>,
    pub attributes: Map<String, Value>,
    /// `acr` values of a sufficient sign-in, weakest first.
    pub acr_values: Vec<String>,
    /// Maximum age of a sufficient sign-in, in seconds.
    pub max_age: Option<u64>,
}

impl AuthZen {
    /// Decides as for a client, and returns the facts and policies behind the decision.
    pub async fn explain(
        &self,
        evaluation: EvaluationRequest,
        assumed: Option<AssumedSignIn>,
    ) -> Result<Explanation, AuthZenError> {
        self.require_policies()?;
        let resource = evaluation
            .resource_name()
            .map_err(|error| AuthZenError::Malformed(format!("resource: {error}")))?;
        if !is_action(&evaluation.action.name) {
            return Err(AuthZenError::Malformed(
                "action must have 1 to 256 printable characters".into(),
            ));
        }
        let subject = self.assume_sign_in(&evaluation, assumed).await?;
        let question = self.question(&evaluation, subject, resource);
        let input = self.engine.add_facts(question, PrefetchedFacts::default());
        let input = input.await?;
        let decision = self.engine.policies.decide(&input, StepUpSearch::Search);
        let (principal, roles) = match &input.subject {
            Subject::Person { account_state, .. } => (
                format!(
                    "User {} ({})",
                    account_state.user_id, account_state.username
                ),
                account_state.roles.clone(),
            ),
            Subject::Client(client) => (format!("Client {}", client.public_id), Vec::new()),
            Subject::ExternalSubject { kind, id } => {
                (format!("ExternalSubject {kind}:{id}"), Vec::new())
            }
        };
        let step_up = decision.step_up.unwrap_or_default();
        Ok(Explanation {
            decision: decision.is_allowed,
            policies: decision.policies,
            errors: decision.errors,
            principal,
            roles,
            resource_roles: input.resource_roles,
            attributes: input.attributes,
            acr_values: step_up.acr_values,
            max_age: step_up.max_age,
        })
    }

    async fn assume_sign_in(
        &self,
        evaluation: &EvaluationRequest,
        assumed: Option<AssumedSignIn>,
    ) -> Result<Subject, Unavailable> {
        let found = self
            .find_subject(&evaluation.subject, &evaluation.context, None)
            .await?;
        Ok(match (found, assumed) {
            (Subject::Person { account_state, .. }, Some(assumed)) => Subject::Person {
                account_state,
                auth: Some(SessionAuthentication::assumed(
                    &assumed.acr,
                    self.engine
                        .clock
                        .now()
                        .before(Duration::from_secs(assumed.age)),
                )),
            },
            (subject, _) => subject,
        })
    }
}
