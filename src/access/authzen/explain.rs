//! Explains a decision for the operator: the policies that determined it and the facts from the real stores.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::request::{Named, Tuple};
use super::{AuthZen, AuthZenError};
use crate::access::policies::Challenge;
use crate::access::{AtHand, Auth, Claimed, Question, ResourceName, Subject, is_action};
use crate::standing::Unavailable;

/// The subject, action and resource of one evaluation, not yet resolved.
#[derive(Clone, Debug)]
pub struct Asks {
    /// Type and ID of the subject.
    pub subject: (String, String),
    /// Name of the action.
    pub action: String,
    /// Type and ID of the resource.
    pub resource: (String, String),
    /// Properties and context that the caller claims.
    pub claimed: Claimed,
}

impl Asks {
    /// Reads the request body of one evaluation.
    ///
    /// # Errors
    /// The request is malformed.
    pub fn read(request: &Map<String, Value>) -> Result<Self, AuthZenError> {
        let tuple = Tuple::read(request)?;
        let claimed = tuple.claimed();
        Ok(Self {
            claimed,
            subject: (tuple.subject.kind, tuple.subject.id),
            action: tuple.action.name,
            resource: (tuple.resource.kind, tuple.resource.id),
        })
    }
}

/// A sign-in to assume for the decision.
#[derive(Clone, Debug)]
pub struct Supposed {
    /// `acr` of the sign-in.
    pub acr: String,
    /// Age of the sign-in in seconds.
    pub age: u64,
}

/// A decision and the facts that it depends on.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// Whether the request is permitted.
    pub decision: bool,
    /// IDs of the policies that determined the decision.
    pub policies: Vec<String>,
    /// Policies that failed, with the reason.
    pub errors: Vec<String>,
    /// The subject as policies see it: `User`, `Client` or `Outsider`, with its ID.
    pub principal: String,
    /// Global roles of the user.
    pub roles: Vec<String>,
    /// Roles of the user on the resource.
    pub grants: Vec<String>,
    /// Registered attributes of the resource.
    pub attributes: Map<String, Value>,
    /// `acr` values of a sufficient sign-in, weakest first.
    pub acr_values: Vec<&'static str>,
    /// Maximum age of a sufficient sign-in, in seconds.
    pub max_age: Option<u64>,
}

impl AuthZen {
    /// Decides as for a client, and returns the facts and policies behind the decision.
    ///
    /// # Errors
    /// The resource or the action is invalid, no policies are in force, or a store is unavailable.
    pub async fn explain(
        &self,
        asks: Asks,
        supposed: Option<Supposed>,
    ) -> Result<Explained, AuthZenError> {
        self.require_policies()?;
        let resource = ResourceName::parse(&asks.resource.0, &asks.resource.1)
            .map_err(|error| AuthZenError::Malformed(format!("resource: {error}")))?;
        if !is_action(&asks.action) {
            return Err(AuthZenError::Malformed(
                "action must have 1 to 256 printable characters".into(),
            ));
        }
        let question = Question {
            subject: self.suppose(&asks, supposed).await?,
            action: asks.action,
            resource,
            at_hand: AtHand::default(),
            claimed: asks.claimed,
        };
        let facts = self.access.gather(question).await?;
        let decision = self.access.policies.decide(&facts, Challenge::Look);
        let (principal, roles) = match &facts.subject {
            Subject::Person { standing, .. } => (
                format!("User {} ({})", standing.user_id, standing.username),
                standing.roles.clone(),
            ),
            Subject::Client(client) => (format!("Client {}", client.public_id), Vec::new()),
            Subject::Outsider { kind, id } => (format!("Outsider {kind}:{id}"), Vec::new()),
        };
        let wanted = decision.wanted.unwrap_or_default();
        Ok(Explained {
            decision: decision.is_allowed,
            policies: decision.policies,
            errors: decision.errors,
            principal,
            roles,
            grants: facts.grants,
            attributes: facts.attributes,
            acr_values: wanted.acr_values,
            max_age: wanted.max_age,
        })
    }

    async fn suppose(
        &self,
        asks: &Asks,
        supposed: Option<Supposed>,
    ) -> Result<Subject, Unavailable> {
        let named = Named {
            kind: asks.subject.0.clone(),
            id: asks.subject.1.clone(),
            properties: Map::new(),
        };
        let found = self
            .find_subject(&named, &asks.claimed.context, None)
            .await?;
        Ok(match (found, supposed) {
            (Subject::Person { standing, .. }, Some(supposed)) => Subject::Person {
                standing,
                auth: Some(Auth::supposed(
                    &supposed.acr,
                    self.access
                        .clock
                        .now()
                        .before(Duration::from_secs(supposed.age)),
                )),
            },
            (subject, _) => subject,
        })
    }
}
