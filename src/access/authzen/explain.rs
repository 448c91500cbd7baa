//! Which policy decided, and on what: for the operator, from the real stores.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::request::{Named, Tuple};
use super::{AuthZen, AuthZenError};
use crate::access::policies::Challenge;
use crate::access::{AtHand, Auth, Claimed, Question, ResourceName, Subject, is_action};
use crate::standing::Unavailable;

/// What one evaluation asks, in the words of the house.
#[derive(Clone, Debug)]
pub struct Asks {
    /// Type and id of the subject.
    pub subject: (String, String),
    /// The action.
    pub action: String,
    /// Type and id of the resource.
    pub resource: (String, String),
    /// Properties and context that the caller claims.
    pub claimed: Claimed,
}

impl Asks {
    /// Reads the request of one evaluation.
    ///
    /// # Errors
    /// What it should have been.
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

/// A sign-in to suppose.
#[derive(Clone, Debug)]
pub struct Supposed {
    /// `acr` of the sign-in.
    pub acr: String,
    /// Age of the sign-in in seconds.
    pub age: u64,
}

/// A decision, and everything that it rests on.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// Yes or no.
    pub decision: bool,
    /// By which policies.
    pub policies: Vec<String>,
    /// Which of them failed, and why.
    pub errors: Vec<String>,
    /// Who that is to Doorward: `User`, `Client` or `Outsider`, with the id.
    pub principal: String,
    /// The global roles.
    pub roles: Vec<String>,
    /// The roles on the thing.
    pub grants: Vec<String>,
    /// What the registry says of it.
    pub attributes: Map<String, Value>,
    /// What sign-in would have been enough: the `acr` values, the least first.
    pub acr_values: Vec<&'static str>,
    /// And at most how many seconds old.
    pub max_age: Option<u64>,
}

impl AuthZen {
    /// Decides as for a service, and says why.
    ///
    /// # Errors
    /// A thing or an action that can be none, or nobody knows.
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
