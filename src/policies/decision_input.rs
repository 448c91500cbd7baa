//! The input and output of an access decision: a question with its facts, and the decision.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::account_state::AccountState;
use crate::assignments::{HeldRoles, ResourceName};
use crate::base::clock::Timestamp;
use crate::base::text_folding::is_unprintable;
use crate::clients::Client;
use crate::sessions::SessionAuthentication;

/// Maximum length of an action name, in characters.
const MAX_ACTION_LEN: usize = 256;

/// Whether the text is a valid action name.
pub fn is_action(name: &str) -> bool {
    (1..=MAX_ACTION_LEN).contains(&name.chars().count()) && !name.chars().any(is_unprintable)
}

/// The subject of a decision. Users and clients appear here only after their account or client state was checked.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A user of this installation.
    Person {
        /// The user's account state.
        account_state: Box<AccountState>,
        /// The user's sign-in, if the caller proved it.
        auth: Option<SessionAuthentication>,
    },
    /// An enabled client.
    Client(Arc<Client>),
    /// An external subject, identified only by what the caller claims. It has no roles and no assignments.
    ExternalSubject {
        /// Type claimed by the caller.
        kind: String,
        /// ID claimed by the caller.
        id: String,
    },
}

/// Properties claimed by the caller. They are never mixed with stored facts.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    /// Properties of the subject.
    pub subject: Map<String, Value>,
    /// Properties of the resource.
    pub resource: Map<String, Value>,
    /// Properties of the action.
    pub action: Map<String, Value>,
    /// The request's context.
    pub context: Map<String, Value>,
}

impl Claimed {
    /// Whether the caller claims nothing.
    pub fn is_empty(&self) -> bool {
        let all = [&self.subject, &self.resource, &self.action, &self.context];
        all.iter().all(|said| said.is_empty())
    }
}

/// Facts that the caller already read together with other data, so that the decision needn't read them again.
#[derive(Clone, Debug, Default)]
pub struct PrefetchedFacts {
    pub held: Option<HeldRoles>,
    pub attributes: Option<Map<String, Value>>,
}

/// A question to the decision engine, whether a subject may perform an action on a resource, with the facts that answer it.
#[derive(Clone, Debug)]
pub struct DecisionInput {
    /// Subject of the decision.
    pub subject: Subject,
    /// Name of the action, for example `view`.
    pub action: String,
    /// Resource of the decision.
    pub resource: ResourceName,
    /// Properties and context that the caller claims.
    pub claimed: Claimed,
    /// Roles that the user holds on the resource now.
    pub resource_roles: Vec<String>,
    /// Registered attributes of the resource.
    pub attributes: Map<String, Value>,
    /// Time of the decision.
    pub now: Timestamp,
}

/// A question without the stored facts. It can't be evaluated: a policy that forbids by a fact would not apply.
#[derive(Clone, Debug)]
pub struct Question(pub(super) DecisionInput);

impl Question {
    pub fn new(
        subject: Subject,
        action: String,
        resource: ResourceName,
        claimed: Claimed,
        now: Timestamp,
    ) -> Self {
        Self(DecisionInput {
            subject,
            action,
            resource,
            claimed,
            resource_roles: Vec::new(),
            attributes: Map::new(),
            now,
        })
    }

    /// Adds the roles that the user holds on the resource, and the resource's attributes.
    pub fn with_facts(
        self,
        resource_roles: Vec<String>,
        attributes: Map<String, Value>,
    ) -> DecisionInput {
        DecisionInput {
            resource_roles,
            attributes,
            ..self.0
        }
    }
}

/// The sign-in that would turn a denial into a permission: a stronger or a more recent one (RFC 9470 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUpRequirement {
    /// Sufficient `acr` values, weakest first.
    pub acr_values: Vec<String>,
    /// Maximum age of the sign-in, in seconds.
    pub max_age: Option<u64>,
}

/// The decision. Anything that is not a permission is a denial.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Whether a policy permits the request, none forbids it, and none failed.
    pub is_allowed: bool,
    pub policies: Vec<String>,
    /// Policies that failed, with the reason. For the operator, not for the caller.
    pub errors: Vec<String>,
    /// Set on a denial that a stronger or more recent sign-in would turn into a permission.
    pub step_up: Option<StepUpRequirement>,
}
