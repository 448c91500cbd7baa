//! The input and output of an access decision.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::account_state::AccountState;
use crate::assignments::{HeldRoles, ResourceName};
use crate::base::clock::Timestamp;
use crate::base::text_folding::is_unprintable;
use crate::clients::Client;
use crate::sessions::Acr;

/// Maximum length of an action name, in characters.
const MAX_ACTION_LEN: usize = 256;

/// Whether the text is a valid action name.
pub fn is_action(name: &str) -> bool {
    (1..=MAX_ACTION_LEN).contains(&name.chars().count()) && !name.chars().any(is_unprintable)
}

/// How and when the user authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// `acr` of the sign-in.
    pub acr: String,
    /// Authentication methods of the sign-in (`amr`).
    pub amr: Vec<String>,
    /// Time of the last passkey authentication.
    pub auth_time: Timestamp,
}

impl Auth {
    /// Builds the sign-in that an `acr` stands for, with the `amr` values that belong to it.
    pub fn assumed(acr: &str, auth_time: Timestamp) -> Self {
        let strength = if acr == Acr::Synced.as_str() {
            Acr::Synced
        } else {
            Acr::DeviceBound
        };
        Self {
            acr: acr.to_owned(),
            amr: strength.amr().map(str::to_owned).to_vec(),
            auth_time,
        }
    }
}

/// The subject of a decision. Users and clients appear here only after their account or client state was checked.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A user of this installation.
    Person {
        /// The user's account state.
        account_state: Box<AccountState>,
        /// The user's sign-in, if the caller proved it.
        auth: Option<Auth>,
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
    /// The user's roles on the resource.
    pub held: Option<HeldRoles>,
    /// The resource's registered attributes.
    pub attributes: Option<Map<String, Value>>,
}

/// Asks whether a subject may perform an action on a resource.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    /// Subject of the decision.
    pub subject: Subject,
    /// Name of the action, for example `view`.
    pub action: String,
    /// Resource of the decision.
    pub resource: ResourceName,
    /// Facts that were already read.
    pub prefetched: PrefetchedFacts,
    /// Properties and context that the caller claims.
    pub claimed: Claimed,
}

/// The sign-in that would turn a denial into a permission: a stronger or a more recent one (RFC 9470 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepUpRequirement {
    /// Sufficient `acr` values, weakest first.
    pub acr_values: Vec<&'static str>,
    /// Maximum age of the sign-in, in seconds.
    pub max_age: Option<u64>,
}

/// The decision. Anything that is not a permission is a denial.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Whether a policy permits the request, none forbids it, and none failed.
    pub is_allowed: bool,
    /// IDs of the policies that determined the decision.
    pub policies: Vec<String>,
    /// Policies that failed, with the reason. For the operator, not for the caller.
    pub errors: Vec<String>,
    /// Set on a denial that a stronger or more recent sign-in would turn into a permission.
    pub step_up: Option<StepUpRequirement>,
}
