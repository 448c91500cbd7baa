//! The account state of a user.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::ids::{AuthorizationId, PasskeyId, SessionId, UserId};
use crate::base::text_enum::text_enum;

/// State of a user's account.
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

text_enum!(UserStatus { Invited = "invited", Active = "active", Suspended = "suspended" });

/// Everything that determines whether a user may act, and who the user is, as of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// ID of the user.
    pub user_id: UserId,
    /// Version, incremented by every change of the account state.
    pub version: i64,
    /// Username: unique, case-folded.
    pub username: String,
    /// Email address, if the user has one.
    pub email: Option<String>,
    /// Whether the email address is verified.
    pub email_verified: bool,
    /// Display name.
    pub display_name: String,
    /// Account status: whether the user may act at all.
    pub status: UserStatus,
    /// Session epoch: incrementing it ends all sessions in one step.
    pub session_epoch: i64,
    /// Names of the global roles that the user holds.
    pub roles: Vec<String>,
    /// IDs of the passkeys that are not revoked.
    pub passkeys: Vec<PasskeyId>,
    /// Latest sessions that were ended one by one while a cached record of them may still exist: if more than 64, not all of them.
    pub ended: Vec<SessionId>,
    /// Open sessions stepped up while a cached record under their earlier key may still exist: if more than 64, not all of them.
    pub stepped_up: Vec<SteppedUp>,
    /// Authorizations revoked in the last two hours (longest access token plus an hour): if more than 64, not all of them.
    #[serde(default)]
    pub revoked: Vec<AuthorizationId>,
}

/// A session whose key was replaced by a step-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SteppedUp {
    /// ID of the session.
    pub id: SessionId,
    /// Time of its last authentication, in microseconds since 1970. A cached session with an earlier one has a replaced key.
    pub auth_time: i64,
}

/// The built-in role of administrators.
pub(crate) const ADMINISTRATOR: &str = "admin";

impl AccountState {
    /// Returns whether the user holds the role `admin`.
    pub fn is_administrator(&self) -> bool {
        self.roles.iter().any(|role| role == ADMINISTRATOR)
    }
}
