//! Roles with their versions, what they are used by, and why a change of one fails.

use std::fmt;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{ManagementRights, queries};
use crate::account_state::ADMINISTRATOR;
use crate::base::clock::Timestamp;
use crate::base::ids::RoleId;
use crate::clients::ActingError;
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Revision, next_as_of};

/// Maximum number of entries in each list of a role.
pub(super) const MAX_MANAGED: usize = 100;

/// A global role, and what its holders can manage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Role {
    /// Name; it never changes.
    pub name: String,
    /// Purpose of the role.
    pub description: String,
    /// Roles that its holders can manage: they manage users who hold only these roles, and can assign and remove them.
    pub manages_roles: Vec<String>,
    /// Resource types on which its holders can assign roles.
    pub manages_assignments_on: Vec<String>,
    /// Version, counted from 1.
    pub version: i64,
    /// When this version was stored.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

impl Role {
    /// Whether it is `admin`, which manages everything and always exists.
    pub fn is_built_in(&self) -> bool {
        self.name == ADMINISTRATOR
    }

    /// ID of the role in revisions, derived from its name.
    pub fn id(&self) -> RoleId {
        RoleId::of_name(&["role", &self.name])
    }

    /// Makes it the next version, which the caller stores.
    pub(super) fn start_next_version(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.as_of = next_as_of(now, self.as_of);
    }

    /// Stores this version, with its revision. The row of a deleted role remains, so that the version numbers continue if the role
    /// is created again.
    pub(super) fn store(
        &self,
        conn: &mut Connection,
        deleted_at: Option<Timestamp>,
        author: &Author,
    ) -> db::Result<()> {
        queries::store_role(conn, self, deleted_at, author)?;
        let mut data = json!({
            "name": self.name,
            "description": self.description,
            "manages_roles": self.manages_roles,
            "manages_assignments_on": self.manages_assignments_on,
        });
        if let (Some(_), Some(members)) = (deleted_at, data.as_object_mut()) {
            members.insert("deleted".into(), true.into());
        }
        let revision = Revision {
            entity: "role",
            entity_id: self.id().uuid(),
            version: self.version,
            as_of: self.as_of,
            data,
        };
        history::record_revision(conn, author, revision)
    }
}

/// What a role is used by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleUse {
    /// Number of users who hold it, including suspended and invited ones.
    pub holders: i64,
    /// Number of open links for new users who would hold it.
    pub invitations: usize,
    /// The roles whose holders may manage it.
    pub managed_by: Vec<String>,
}

impl fmt::Display for RoleUse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut uses = Vec::new();
        if self.holders > 0 {
            uses.push(format!("users with this role: {}", self.holders));
        }
        if self.invitations > 0 {
            uses.push(format!("invitations with this role: {}", self.invitations));
        }
        if !self.managed_by.is_empty() {
            uses.push(format!(
                "roles that manage it: {}",
                self.managed_by.join(", ")
            ));
        }
        formatter.write_str(&uses.join("; "))
    }
}

/// Why a role was not found or changed.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// No role has this name.
    #[error("no role has this name")]
    Unknown,
    /// A role with this name exists.
    #[error("a role with this name exists")]
    Exists,
    /// The role was changed since the caller read it; its current version.
    #[error("the role was changed by another request, to version {0}")]
    VersionMismatch(i64),
    /// A role in `manages_roles` doesn't exist.
    #[error("no role is named {0}")]
    UnknownRole(String),
    /// A role can't let its holders manage administrators.
    #[error("only administrators can manage administrators")]
    ManagesAdministrators,
    /// `admin` can't be deleted, and can't be given lists of what it manages, because it manages everything.
    #[error("the role admin can't be changed or deleted")]
    BuiltIn,
    /// Too many entries in the list of this name.
    #[error("a role can manage at most {MAX_MANAGED} roles and {MAX_MANAGED} resource types")]
    TooMany(&'static str),
    /// The role is in use.
    #[error("the role is in use; {0}")]
    InUse(RoleUse),
    /// The author is not an administrator, or no longer is.
    #[error("only administrators may do this")]
    NotPermitted,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Checks that the author is an administrator. Called in the transaction that holds the lock on the author's account state,
/// because they may have lost the role since the request was authorized.
pub(super) fn require_administrator(
    conn: &mut Connection,
    author: &Author,
) -> Result<(), RoleError> {
    let may = match author.actor {
        Actor::User(user) => ManagementRights::of(conn, user)?.is_administrator,
        Actor::Command | Actor::Doorward => true,
        Actor::UserThroughClient(..) | Actor::Client(_) => false,
    };
    if may {
        Ok(())
    } else {
        Err(RoleError::NotPermitted)
    }
}
