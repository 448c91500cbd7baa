//! The Access Evaluation and Access Evaluations APIs.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::request::{EvaluationRequest, EvaluationsRequest, Semantic, read_many};
use super::{AuthZen, AuthZenError, EvaluationResponse, PrefetchedCopies};
use crate::assignments::ResourceName;
use crate::policies::{Decision, PrefetchedFacts, Question, StepUpRequirement, Subject};

/// Response of the Access Evaluations API.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum EvaluationsResponse {
    /// The single decision of a request without `evaluations`.
    One(EvaluationResponse),
    /// One decision per evaluation, in request order, up to the one at which the semantic stops.
    Many {
        /// The decisions.
        evaluations: Vec<EvaluationResponse>,
    },
}

/// Subjects that were already resolved for this request.
type ResolvedSubjects = HashMap<(String, String, Option<String>), Subject>;

impl AuthZen {
    /// Decides one evaluation. `prefetch` holds cached copies that were read while the client was being authenticated.
    pub async fn evaluate(
        &self,
        evaluation: &EvaluationRequest,
        prefetch: PrefetchedCopies,
    ) -> Result<EvaluationResponse, AuthZenError> {
        self.require_policies()?;
        let Ok(resource) = evaluation.resource_name() else {
            return Ok(denied());
        };
        let copies = prefetch.person.as_ref();
        let subject = self
            .find_subject(&evaluation.subject, &evaluation.context, copies)
            .await?;
        let held = match (&subject, copies) {
            (Subject::Person { account_state, .. }, Some(copies)) => {
                let copy = copies.roles_of(account_state);
                Some(
                    self.engine
                        .assignments
                        .held_roles_from_copy(account_state, &resource, copy)
                        .await?,
                )
            }
            _ => None,
        };
        let prefetched = PrefetchedFacts {
            held,
            attributes: prefetch.attributes,
        };
        let question = self.question(evaluation, subject, resource);
        Ok(self.engine.decide(question, prefetched).await?.into())
    }

    /// Decides a batch of evaluations. A malformed item is denied without failing the request.
    pub async fn evaluate_many(
        &self,
        request: &Map<String, Value>,
    ) -> Result<EvaluationsResponse, AuthZenError> {
        self.require_policies()?;
        let mut resolved = ResolvedSubjects::new();
        let (items, semantic) = match read_many(request)? {
            EvaluationsRequest::Single(evaluation) => {
                return Ok(EvaluationsResponse::One(
                    self.answer(&evaluation, &mut resolved).await?,
                ));
            }
            EvaluationsRequest::Batch(items, semantic) => (items, semantic),
        };
        let mut answers = Vec::with_capacity(items.len());
        for item in items.read() {
            let answer = match item {
                Ok(evaluation) => self.answer(&evaluation, &mut resolved).await?,
                Err(AuthZenError::Malformed(reason)) => refused_item(&reason),
                Err(error) => return Err(error),
            };
            let is_last = match semantic {
                Semantic::ExecuteAll => false,
                Semantic::DenyOnFirstDeny => !answer.decision,
                Semantic::PermitOnFirstPermit => answer.decision,
            };
            answers.push(answer);
            if is_last {
                break;
            }
            // Lets other requests run between the evaluations of a large batch.
            tokio::task::yield_now().await;
        }
        Ok(EvaluationsResponse::Many {
            evaluations: answers,
        })
    }

    async fn answer(
        &self,
        evaluation: &EvaluationRequest,
        resolved: &mut ResolvedSubjects,
    ) -> Result<EvaluationResponse, AuthZenError> {
        let Ok(resource) = evaluation.resource_name() else {
            return Ok(denied());
        };
        let session = evaluation.context.get("session").and_then(Value::as_str);
        let key = (
            evaluation.subject.kind.clone(),
            evaluation.subject.id.clone(),
            session.map(str::to_owned),
        );
        let subject = match resolved.get(&key) {
            Some(subject) => subject.clone(),
            None => {
                let found = self
                    .find_subject(&evaluation.subject, &evaluation.context, None)
                    .await?;
                resolved.entry(key).or_insert(found).clone()
            }
        };
        let question = self.question(evaluation, subject, resource);
        let decision = self.engine.decide(question, PrefetchedFacts::default());
        Ok(decision.await?.into())
    }

    /// Creates the question that an evaluation asks about a subject that was found.
    pub(super) fn question(
        &self,
        evaluation: &EvaluationRequest,
        subject: Subject,
        resource: ResourceName,
    ) -> Question {
        let action = evaluation.action.name.clone();
        let now = self.engine.clock.now();
        Question::new(subject, action, resource, evaluation.claimed(), now)
    }
}

fn denied() -> EvaluationResponse {
    EvaluationResponse {
        decision: false,
        context: Map::new(),
    }
}

/// AuthZEN Authorization API 1.0, "Errors": the decision defaults to deny, and the context states the error.
fn refused_item(reason: &str) -> EvaluationResponse {
    let error = json!({ "status": 400, "message": reason });
    EvaluationResponse {
        context: Map::from_iter([("error".to_owned(), error)]),
        ..denied()
    }
}

impl From<Decision> for EvaluationResponse {
    fn from(decision: Decision) -> Self {
        Self {
            decision: decision.is_allowed,
            context: decision.step_up.as_ref().map(challenge).unwrap_or_default(),
        }
    }
}

/// Returns the parameters of an authorization request that leads to a sufficient sign-in (RFC 9470 §3), as a Reason Object.
fn challenge(step_up: &StepUpRequirement) -> Map<String, Value> {
    const ERROR: &str = "insufficient_user_authentication";
    let mut context = Map::from_iter([
        ("id".to_owned(), json!(ERROR)),
        ("error".to_owned(), json!(ERROR)),
        (
            "reason_admin".to_owned(),
            json!({ "en": "permitted with a stronger or more recent sign-in" }),
        ),
        (
            "reason_user".to_owned(),
            json!({ "en": "Use your passkey again to continue." }),
        ),
    ]);
    if !step_up.acr_values.is_empty() {
        context.insert("acr_values".into(), json!(step_up.acr_values.join(" ")));
    }
    if let Some(max_age) = step_up.max_age {
        context.insert("max_age".into(), json!(max_age));
    }
    context
}
