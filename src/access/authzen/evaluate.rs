//! The Access Evaluation and Access Evaluations APIs.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::request::{Asked, Semantic, Tuple, read_many};
use super::{Answered, AuthZen, AuthZenError, Glance};
use crate::access::{AtHand, Decision, Question, ResourceName, Subject, Wanted};

/// Response of the Access Evaluations API.
#[derive(Debug)]
pub enum Evaluated {
    /// The single decision of a request without `evaluations`.
    One(Answered),
    /// One decision per evaluation, in request order, up to the one at which the semantic stops.
    Many(Vec<Answered>),
}

/// Subjects that were already resolved for this request.
type Known = HashMap<(String, String, Option<String>), Subject>;

impl AuthZen {
    /// Decides one evaluation. `glance` holds cached copies that were read while the client was being authenticated.
    ///
    /// # Errors
    /// No policies are in force, or a store is unavailable.
    pub async fn evaluate(&self, tuple: &Tuple, glance: Glance) -> Result<Answered, AuthZenError> {
        self.require_policies()?;
        let Ok(resource) = ResourceName::parse(&tuple.resource.kind, &tuple.resource.id) else {
            // No policy can apply to an invalid resource name.
            return Ok(denied());
        };
        let copies = glance.person.as_ref();
        let subject = self
            .find_subject(&tuple.subject, &tuple.context, copies)
            .await?;
        let held = match (&subject, copies) {
            (Subject::Person { standing, .. }, Some(copies)) => {
                let copy = copies.grants_of(standing);
                Some(self.access.held_of_copy(standing, &resource, copy).await?)
            }
            _ => None,
        };
        let at_hand = AtHand {
            held,
            attributes: glance.attributes,
        };
        self.decide(tuple, subject, resource, at_hand).await
    }

    /// Decides a batch of evaluations.
    ///
    /// # Errors
    /// The request is malformed, no policies are in force, or a store is unavailable. A malformed item is denied without
    /// failing the request.
    pub async fn evaluate_many(
        &self,
        request: &Map<String, Value>,
    ) -> Result<Evaluated, AuthZenError> {
        self.require_policies()?;
        let mut known = Known::new();
        let (items, semantic) = match read_many(request)? {
            Asked::One(tuple) => {
                return Ok(Evaluated::One(self.answer(&tuple, &mut known).await?));
            }
            Asked::Many(items, semantic) => (items, semantic),
        };
        let mut answers = Vec::with_capacity(items.len());
        for item in items.read() {
            let answer = match item {
                Ok(tuple) => self.answer(&tuple, &mut known).await?,
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
        Ok(Evaluated::Many(answers))
    }

    async fn answer(&self, tuple: &Tuple, known: &mut Known) -> Result<Answered, AuthZenError> {
        let Ok(resource) = ResourceName::parse(&tuple.resource.kind, &tuple.resource.id) else {
            // No policy can apply to an invalid resource name.
            return Ok(denied());
        };
        let session = tuple.context.get("session").and_then(Value::as_str);
        let key = (
            tuple.subject.kind.clone(),
            tuple.subject.id.clone(),
            session.map(str::to_owned),
        );
        let subject = match known.get(&key) {
            Some(subject) => subject.clone(),
            None => {
                let found = self
                    .find_subject(&tuple.subject, &tuple.context, None)
                    .await?;
                known.entry(key).or_insert(found).clone()
            }
        };
        self.decide(tuple, subject, resource, AtHand::default())
            .await
    }

    async fn decide(
        &self,
        tuple: &Tuple,
        subject: Subject,
        resource: ResourceName,
        at_hand: AtHand,
    ) -> Result<Answered, AuthZenError> {
        let question = Question {
            subject,
            action: tuple.action.name.clone(),
            resource,
            at_hand,
            claimed: tuple.claimed(),
        };
        Ok(self.access.decide(question).await?.into())
    }
}

fn denied() -> Answered {
    Answered {
        decision: false,
        context: Map::new(),
    }
}

/// AuthZEN Authorization API 1.0, "Errors": the decision defaults to deny, and the context states the error.
fn refused_item(reason: &str) -> Answered {
    let error = json!({ "status": 400, "message": reason });
    Answered {
        context: Map::from_iter([("error".to_owned(), error)]),
        ..denied()
    }
}

impl From<Decision> for Answered {
    fn from(decision: Decision) -> Self {
        Self {
            decision: decision.is_allowed,
            context: decision.wanted.as_ref().map(challenge).unwrap_or_default(),
        }
    }
}

/// Returns the parameters of an authorization request that leads to a sufficient sign-in (RFC 9470 §3), as a Reason Object.
fn challenge(wanted: &Wanted) -> Map<String, Value> {
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
    if !wanted.acr_values.is_empty() {
        context.insert("acr_values".into(), json!(wanted.acr_values.join(" ")));
    }
    if let Some(max_age) = wanted.max_age {
        context.insert("max_age".into(), json!(max_age));
    }
    context
}
