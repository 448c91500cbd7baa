//! The OpenID AuthZEN Authorization API 1.0: clients request access decisions, and search for permitted subjects,
//! actions and resources.

mod evaluate;
mod explain;
mod page;
mod prefetch;
mod request;
mod search;
mod search_resources;
mod search_subjects;
mod subject;

pub use evaluate::EvaluationsResponse;
pub use explain::{AssumedSignIn, Explanation, UnresolvedRequest};
pub use page::SearchPage;
pub use prefetch::PrefetchedCopies;
pub use request::EvaluationRequest;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Access;
use crate::account_state::Unavailable;
use crate::base::config::SubjectId;
use crate::clients::Clients;
use crate::sessions::Sessions;
use crate::users::Users;

/// The dependencies of the AuthZEN API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuthZen {
    access: Access,
    users: Users,
    clients: Clients,
    sessions: Sessions,
    subject_id: SubjectId,
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub enum AuthZenError {
    /// The request is malformed; the text states the requirement.
    #[error("{0}")]
    Malformed(String),
    /// No policies are in force.
    #[error("no policies are loaded")]
    NoPolicies,
    /// A store is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// One decision, as it is serialized.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationResponse {
    /// Whether the request is permitted.
    pub decision: bool,
    /// The error or the required sign-in, on a denial.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

impl AuthZen {
    /// Creates the API from the modules that resolve subjects.
    pub fn new(
        access: Access,
        users: Users,
        clients: Clients,
        sessions: Sessions,
        subject_id: SubjectId,
    ) -> Self {
        Self {
            access,
            users,
            clients,
            sessions,
            subject_id,
        }
    }

    fn require_policies(&self) -> Result<(), AuthZenError> {
        if self.access.policies.are_in_force() {
            Ok(())
        } else {
            Err(AuthZenError::NoPolicies)
        }
    }
}
