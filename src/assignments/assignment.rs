//! A role assignment: the roles that one user holds on one resource. Each pair of user and resource has a single row that is
//! never deleted; a deleted assignment has no roles.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::text::{AssignedRoles, Description, Title};
use super::{ResourceId, ResourceName, ResourceType, queries};
use crate::account_state::{self, ChangePending};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, RoleAssignmentId, UserId};
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event, Revision, next_as_of};
use crate::users;

/// A role assignment: roles of one user on one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleAssignment {
    /// ID; permanent for this user and this resource.
    #[schema(value_type = uuid::Uuid)]
    pub id: RoleAssignmentId,
    /// ID of the user who holds the roles.
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
    /// Resource type.
    #[schema(value_type = String)]
    pub resource_type: ResourceType,
    /// Resource ID.
    #[schema(value_type = String)]
    pub resource_id: ResourceId,
    /// Roles, sorted and without duplicates.
    pub roles: Vec<String>,
    /// Title for display.
    pub title: Option<String>,
    /// Description for display.
    pub description: Option<String>,
    /// Expiry time; `null`: the assignment does not expire.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Timestamp>,
    /// When it was first created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Version, counted from 1.
    pub version: i64,
    /// When this version was stored.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// ID of the user who stored this version.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_user: Option<UserId>,
    /// ID of the client that stored this version, or through which the user did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_client: Option<ClientId>,
}

/// The values that are set when roles are assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAssignmentTerms {
    /// Roles on the resource.
    pub roles: AssignedRoles,
    /// Title for display.
    pub title: Option<Title>,
    /// Description for display.
    pub description: Option<Description>,
    /// Expiry time; `None` means that the assignment doesn't expire.
    pub valid_until: Option<Timestamp>,
}

/// Why an assignment was not changed, or that a change is not yet in force.
#[derive(Debug, thiserror::Error)]
pub enum RoleAssignmentError {
    /// No user has this ID or username.
    #[error("no user has this ID or username")]
    UserUnknown,
    /// No such assignment exists, or the author may not see it.
    #[error("no assignment has this ID")]
    Unknown,
    /// The user already holds roles on this resource, by the assignment with this ID.
    #[error("the user already has roles on this resource, in assignment {0}")]
    Exists(RoleAssignmentId),
    /// The assignment was changed since the caller read it; this is the current version.
    #[error("the assignment was changed by another request, to version {0}")]
    VersionMismatch(i64),
    /// The author may not assign roles on resources of this type.
    #[error("you may not assign roles on resources of this type")]
    NotPermitted,
    /// The expiry time is not in the future.
    #[error("valid_until must be in the future")]
    Past,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The change is committed but not yet in force.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl RoleAssignment {
    /// Creates the first version.
    pub(super) fn new(
        user: UserId,
        resource: ResourceName,
        terms: RoleAssignmentTerms,
        now: Timestamp,
        author: &Author,
    ) -> Self {
        Self {
            id: RoleAssignmentId::sortable(),
            user_id: user,
            resource_type: resource.kind,
            resource_id: resource.id,
            roles: terms.roles.into_names(),
            title: terms.title.map(Title::into_text),
            description: terms.description.map(Description::into_text),
            valid_until: terms.valid_until,
            created_at: now,
            version: 1,
            as_of: now,
            by_user: author.user(),
            by_client: author.client(),
        }
    }

    /// Resource on which the roles are assigned.
    pub fn resource(&self) -> ResourceName {
        ResourceName {
            kind: self.resource_type.clone(),
            id: self.resource_id.clone(),
        }
    }

    /// Whether the assignment was deleted and not created again.
    pub fn is_deleted(&self) -> bool {
        self.roles.is_empty()
    }

    /// Whether the assignment has roles and has not expired at an instant.
    pub fn is_live_at(&self, at: Timestamp) -> bool {
        !self.is_deleted() && self.valid_until.is_none_or(|until| until > at)
    }

    /// Returns a copy with these terms. ID, user, resource, version and origin are unchanged.
    pub(super) fn on(&self, terms: RoleAssignmentTerms) -> Self {
        Self {
            roles: terms.roles.into_names(),
            title: terms.title.map(Title::into_text),
            description: terms.description.map(Description::into_text),
            valid_until: terms.valid_until,
            ..self.clone()
        }
    }

    /// Returns a copy without roles.
    pub(super) fn without_roles(&self) -> Self {
        Self {
            roles: Vec::new(),
            ..self.clone()
        }
    }

    /// Stores the version that follows `before`, with its revision and its audit event. If the assignment has roles, this also
    /// voids the links for the user that were made by clients that may not assign roles.
    pub(super) fn store(
        &mut self,
        conn: &mut Connection,
        before: Option<&Self>,
        event: Event,
        now: Timestamp,
        author: &Author,
    ) -> db::Result<()> {
        if let Some(before) = before {
            self.version = before.version.saturating_add(1);
            self.as_of = next_as_of(now, before.as_of);
            (self.by_user, self.by_client) = (author.user(), author.client());
        }
        queries::store_assignment(conn, self)?;
        if !self.is_deleted() {
            // Otherwise a client could get the roles that a user holds on resources by using a link for that user.
            users::void_links_beyond_resource_roles(conn, self.user_id, self.as_of)?;
        }
        let revision = Revision {
            entity: "grant",
            entity_id: self.id.uuid(),
            version: self.version,
            as_of: self.as_of,
            data: self.record(),
        };
        history::record_revision(conn, author, revision)?;
        let event = event.subject(self.user_id).details(self.details(before));
        history::record(conn, self.as_of, author, event)
    }

    fn record(&self) -> Value {
        json!({
            "user_id": self.user_id,
            "resource_type": self.resource_type,
            "resource_id": self.resource_id,
            "roles": self.roles,
            "title": self.title,
            "description": self.description,
            "valid_until": self.valid_until,
        })
    }

    /// Details of the audit event: the assignment, its resource, and each changed field before and after.
    fn details(&self, before: Option<&Self>) -> Value {
        let before = before.map_or_else(|| json!({ "roles": [] }), Self::terms);
        let mut details = history::changes(&before, &self.terms());
        details.extend([
            ("role_assignment".to_owned(), json!(self.id)),
            ("resource_type".to_owned(), json!(self.resource_type)),
            ("resource_id".to_owned(), json!(self.resource_id)),
        ]);
        Value::Object(details)
    }

    /// The fields that can be changed.
    fn terms(&self) -> Value {
        json!({
            "roles": self.roles,
            "title": self.title,
            "description": self.description,
            "valid_until": self.valid_until,
        })
    }
}

/// Locks the user, checks the caller, and invalidates every cached copy of the user's roles. Returns the author and the
/// time of the change.
pub(super) fn begin(
    conn: &mut Connection,
    database: &db::Database,
    user: UserId,
    acting: &ActingAs,
) -> Result<(Author, Timestamp), RoleAssignmentError> {
    let author = acting.check(conn, &[user])?;
    let now = account_state::begin_change(conn, database, user)?;
    Ok((author, now.ok_or(RoleAssignmentError::UserUnknown)?))
}
