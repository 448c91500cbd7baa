//! What is asked of the policies, and what they say.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Held, ResourceName};
use crate::base::clock::Timestamp;
use crate::base::letters::is_unprintable;
use crate::clients::Client;
use crate::sessions::Acr;
use crate::standing::Standing;

/// The longest name of an action, in characters.
const LONGEST_ACTION: usize = 256;

/// Whether this can be the name of an action.
pub fn is_action(name: &str) -> bool {
    (1..=LONGEST_ACTION).contains(&name.chars().count()) && !name.chars().any(is_unprintable)
}

/// How and when somebody proved themself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// `acr` of the sign-in.
    pub acr: String,
    /// By which means.
    pub amr: Vec<String>,
    /// Time of the last ceremony.
    pub auth_time: Timestamp,
}

impl Auth {
    /// What a sign-in of this strength proves.
    pub fn supposed(acr: &str, auth_time: Timestamp) -> Self {
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

/// Who wants to do something. A person and a client are here only when they passed the gate.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A person that Doorward knows; how they proved themself, where the caller could show it.
    Person {
        /// The user's record.
        standing: Box<Standing>,
        /// The user's sign-in.
        auth: Option<Auth>,
    },
    /// An enabled client.
    Client(Arc<Client>),
    /// Anybody and anything else, by the caller's word: no roles, no grants.
    Outsider {
        /// The type that the caller gave.
        kind: String,
        /// The id that the caller gave.
        id: String,
    },
}

/// What the caller says, which is never mixed with what Doorward knows.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    /// Of the subject.
    pub subject: Map<String, Value>,
    /// Of the resource.
    pub resource: Map<String, Value>,
    /// Of the action.
    pub action: Map<String, Value>,
    /// Of everything else.
    pub context: Map<String, Value>,
}

impl Claimed {
    /// Whether the caller says nothing.
    pub fn is_empty(&self) -> bool {
        let all = [&self.subject, &self.resource, &self.action, &self.context];
        all.iter().all(|said| said.is_empty())
    }
}

/// What whoever asks has read already, together with something else.
#[derive(Clone, Debug, Default)]
pub struct AtHand {
    /// What the person holds on the thing.
    pub held: Option<Held>,
    /// What the registry says of the thing.
    pub attributes: Option<Map<String, Value>>,
}

/// May this subject do this to that?
#[derive(Clone, Debug)]
pub struct Question {
    /// Subject of the decision.
    pub subject: Subject,
    /// Name of the action, for example `view`.
    pub action: String,
    /// To which thing.
    pub resource: ResourceName,
    /// What was read already.
    pub at_hand: AtHand,
    /// Properties and context that the caller claims.
    pub claimed: Claimed,
}

/// What would have been enough, where a fresher or a stronger sign-in would have been (RFC 9470 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// One of these, the least first.
    pub acr_values: Vec<&'static str>,
    /// A sign-in that is at most this many seconds old.
    pub max_age: Option<u64>,
}

/// The answer. Whatever is not a permission is a denial.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Whether a policy permits it, none forbids it, and none failed.
    pub is_allowed: bool,
    /// The ids of the policies that decided.
    pub policies: Vec<String>,
    /// Which policies failed, and why: for the operator, not for the caller.
    pub errors: Vec<String>,
    /// Set on a denial that another sign-in would turn into a permission.
    pub wanted: Option<Wanted>,
}
