//! Users with their versions, and their representation in the API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::email_state::EmailState;
use super::queries;
use crate::account_state::UserStatus;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::history::{self, Author, Revision, next_as_of};

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// ID, which is also the WebAuthn user handle.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// Unique, lower-case username.
    pub username: String,
    /// Email address, if any.
    pub email: Option<String>,
    /// The reason why the email address counts as verified or not.
    pub email_state: EmailState,
    /// When the email address was confirmed by an administrator or verified.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub email_verified_at: Option<Timestamp>,
    /// ID of the administrator who confirmed it; `null` for the command line.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub email_verified_by: Option<UserId>,
    /// Display name.
    pub display_name: String,
    /// Whether the user is invited, active or suspended.
    pub status: UserStatus,
    /// Attributes that administrators set.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// Global roles held, sorted.
    pub roles: Vec<String>,
    /// When the user was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Version, counted from 1.
    pub version: i64,
    /// When this version was stored.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// A user, as services and administrators see them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserView {
    #[serde(flatten)]
    user: User,
    /// Whether the email address is verified: an administrator confirmed it, or the user proved that they receive email at it.
    email_verified: bool,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            email_verified: user.is_email_verified(),
            user,
        }
    }
}

impl User {
    /// A new user without an email address and roles. The display name is by default the username.
    pub(super) fn new(
        id: UserId,
        username: String,
        display_name: Option<String>,
        status: UserStatus,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            display_name: display_name.unwrap_or_else(|| username.clone()),
            username,
            email: None,
            email_state: EmailState::Unverified,
            email_verified_at: None,
            email_verified_by: None,
            status,
            attributes: Map::new(),
            roles: Vec::new(),
            created_at: now,
            version: 1,
            as_of: now,
        }
    }

    /// Whether the email address is verified.
    pub fn is_email_verified(&self) -> bool {
        self.email_state != EmailState::Unverified
    }

    /// Sets the email address as confirmed by the user `by`, or by the command line if `None`.
    pub(super) fn confirm_email(&mut self, at: Timestamp, by: Option<UserId>) {
        self.email_state = EmailState::ConfirmedByAdmin;
        self.email_verified_at = Some(at);
        self.email_verified_by = by;
    }

    /// Whether the user holds the role `admin`.
    pub fn is_administrator(&self) -> bool {
        self.roles
            .iter()
            .any(|role| role == crate::account_state::ADMINISTRATOR)
    }

    /// Stores the next version of a changed user, with its revision. The caller has incremented the version of the account state, which
    /// is also that of the copies of the user.
    pub(super) fn save(
        &mut self,
        conn: &mut Connection,
        now: Timestamp,
        author: &Author,
    ) -> db::Result<()> {
        self.version = self.version.saturating_add(1);
        self.as_of = next_as_of(now, self.as_of);
        queries::claim_username(conn, self.id, &self.username, Some(self.as_of))?;
        queries::store_version(conn, self, author)?;
        queries::set_roles(conn, self.id, &self.roles)?;
        self.record_version(conn, author)
    }

    /// Inserts a new user, with their account state and first revision.
    pub(super) fn create(&self, conn: &mut Connection, author: &Author) -> db::Result<()> {
        queries::store_version(conn, self, author)?;
        queries::claim_username(conn, self.id, &self.username, None)?;
        queries::set_roles(conn, self.id, &self.roles)?;
        crate::account_state::insert(conn, self.id, self.as_of)?;
        self.record_version(conn, author)
    }

    fn record_version(&self, conn: &mut Connection, author: &Author) -> db::Result<()> {
        let data = json!({
            "username": self.username,
            "email": self.email,
            "email_verified": self.is_email_verified(),
            "email_state": self.email_state,
            "email_verified_at": self.email_verified_at,
            "email_verified_by": self.email_verified_by,
            "display_name": self.display_name,
            "status": self.status,
            "attributes": self.attributes,
            "roles": self.roles,
        });
        let revision = Revision {
            entity: "user",
            entity_id: self.id.uuid(),
            version: self.version,
            as_of: self.as_of,
            data,
        };
        history::record_revision(conn, author, revision)
    }
}
