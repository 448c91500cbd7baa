//! The standing record of one person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::ids::{AuthorizationId, PasskeyId, SessionId, UserId};

/// Where a person is in the life of their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Invited by name, not joined yet.
    Invited,
    /// May sign in.
    Active,
    /// May not, until reactivated.
    Suspended,
}

impl UserStatus {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Parses what is stored.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "invited" => Some(Self::Invited),
            "active" => Some(Self::Active),
            "suspended" => Some(Self::Suspended),
            _ => None,
        }
    }
}

/// Everything that decides whether a person may act, and who they are, as of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// ID of the user.
    pub user_id: UserId,
    /// The counter: raised by every change of what this record shows.
    pub version: i64,
    /// Unique, case-folded.
    pub username: String,
    /// Where mail goes, if anywhere.
    pub email: Option<String>,
    /// Whether the address is proven.
    pub email_verified: bool,
    /// Display name.
    pub display_name: String,
    /// Whether they may act at all.
    pub status: UserStatus,
    /// Raised to end every session at once.
    pub session_epoch: i64,
    /// Global roles held.
    pub roles: Vec<String>,
    /// Passkeys that are live.
    pub passkeys: Vec<PasskeyId>,
    /// Sessions that were ended one by one while a copy of them may still exist: the latest, at most one more than the record
    /// promises to be all (64).
    pub ended: Vec<SessionId>,
    /// Open sessions that were stepped up while a copy under their earlier key may still exist; as many as of [`Self::ended`].
    pub stepped_up: Vec<SteppedUp>,
    /// Authorizations revoked within the life of an access token and an hour more; when there are more than 64, not all.
    #[serde(default)]
    pub revoked: Vec<AuthorizationId>,
}

/// A session whose key was replaced by a step-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SteppedUp {
    /// ID of the session.
    pub id: SessionId,
    /// Its last ceremony, in microseconds since 1970. A copy with an earlier one is under a key that was replaced.
    pub auth_time: i64,
}

/// The built-in role that administers the place.
pub(crate) const ADMINISTRATOR: &str = "admin";

impl Standing {
    /// Whether the person holds the role `admin`.
    pub fn is_administrator(&self) -> bool {
        self.roles.iter().any(|role| role == ADMINISTRATOR)
    }
}
