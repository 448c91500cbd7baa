//! What callers of decisions send, read as the endpoints read it and shown to policies, without any store: for the fuzz targets
//! (`fuzz/`) alone. Panics when something that this room promises does not hold.

use serde_json::{Map, Value};

use super::super::authzen::Asks;
use super::super::policies::{Challenge, Facts, Policies, readable};
use super::super::question::{Claimed, Subject};
use super::super::{ResourceName, is_action};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::standing::{Standing, UserStatus};

const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

/// Permits people, and nobody else; what callers say is not looked at.
const POLICIES: &str = r#"
permit (principal is User, action, resource);
permit (principal in Role::"admin", action, resource);
permit (principal is Outsider, action, resource) when { context has auth || context.grants.contains("OWNER") };
permit (principal is Outsider, action, resource) when { resource has open || principal == Outsider::"user" };
"#;

/// Policies in force.
pub struct Judge(Policies);

impl Judge {
    /// Reads them. `None` where they are refused.
    pub fn make() -> Option<Self> {
        let policies = Policies::of_text(POLICIES);
        policies.are_in_force().then_some(Self(policies))
    }

    /// A request to the evaluation endpoint: whatever it says, an outsider gets nothing by it, and a person loses nothing.
    pub fn read_request(&self, request: &Map<String, Value>) {
        let Ok(asks) = Asks::read(request) else {
            return;
        };
        let Ok(resource) = ResourceName::parse(&asks.resource.0, &asks.resource.1) else {
            return;
        };
        if !is_action(&asks.action) {
            return;
        }
        let (kind, id) = asks.subject;
        let mut facts = Facts {
            subject: Subject::Outsider { kind, id },
            action: asks.action,
            resource,
            grants: Vec::new(),
            attributes: Map::new(),
            claimed: asks.claimed,
            now: NOW,
        };
        self.expect(&facts, false);
        facts.subject = somebody();
        self.expect(&facts, true);
    }

    /// Anything as what a caller says and as what is registered: shown to policies as it is, or refused.
    pub fn read_claims(&self, said: &Map<String, Value>) {
        let Ok(resource) = ResourceName::parse("order", "7") else {
            return;
        };
        let facts = Facts {
            subject: somebody(),
            action: "view".to_owned(),
            resource,
            grants: Vec::new(),
            attributes: said.clone(),
            claimed: Claimed {
                subject: said.clone(),
                resource: said.clone(),
                action: said.clone(),
                context: said.clone(),
            },
            now: NOW,
        };
        self.expect(&facts, readable(said).is_ok());
    }

    fn expect(&self, facts: &Facts, permitted: bool) {
        let decision = self.0.decide(facts, Challenge::Look);
        assert_eq!(decision.is_allowed, permitted, "{decision:?} of {facts:?}");
    }
}

fn somebody() -> Subject {
    Subject::Person {
        standing: Box::new(Standing {
            user_id: UserId::random(),
            version: 1,
            username: "ada".into(),
            email: None,
            email_verified: false,
            display_name: "Ada".into(),
            status: UserStatus::Active,
            session_epoch: 0,
            roles: Vec::new(),
            passkeys: Vec::new(),
            ended: Vec::new(),
            stepped_up: Vec::new(),
            revoked: Vec::new(),
        }),
        auth: None,
    }
}
