//! The OpenID AuthZEN Authorization API 1.0: clients request access decisions, and search for permitted subjects,
//! actions and resources.

mod cases;
mod evaluate;
mod explain;
pub mod http;
mod page;
mod prefetch;
mod request;
mod search;
mod search_resources;
mod search_subjects;
mod subject;

pub use cases::{Cases, Outcome};
pub use explain::{AssumedSignIn, Explanation};
pub use prefetch::PrefetchedCopies;
pub use request::{EvaluationRequest, NamedAction, NamedEntity, Searched};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::account_state::{AccountStates, Unavailable};
use crate::base::config::SubjectId;
use crate::clients::Clients;
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::policies::DecisionEngine;
use crate::sessions::Sessions;
use crate::users::Users;

/// The AuthZEN API and its dependencies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuthZen {
    pub engine: DecisionEngine,
    /// Account states of users who are subjects.
    pub account_states: AccountStates,
    /// Users, to find a subject by its username.
    pub users: Users,
    /// Clients that are subjects.
    pub clients: Clients,
    /// Sessions, for the sign-in of a subject.
    pub sessions: Sessions,
    /// Database, for searches.
    pub database: Database,
    /// Ephemeral store, for prefetched copies.
    pub ephemeral: Ephemeral,
    /// How searches name users.
    pub subject_id: SubjectId,
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub enum AuthZenError {
    /// The request is malformed; the text states the requirement.
    #[error("{0}")]
    Malformed(String),
    #[error("no policies are loaded")]
    NoPolicies,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// One decision, as it is serialized.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationResponse {
    pub decision: bool,
    /// The error or the required sign-in, on a denial.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

impl AuthZen {
    fn require_policies(&self) -> Result<(), AuthZenError> {
        if self.engine.policies.are_in_force() {
            Ok(())
        } else {
            Err(AuthZenError::NoPolicies)
        }
    }
}
