//! Lists role assignments of a user, on a resource or of everyone, now or at an earlier instant.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::assignment::{RoleAssignment, RoleAssignmentError};
use super::{Assignments, ResourceId, ResourceName, ResourceType, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{RoleAssignmentId, UserId};
use crate::db::{self, Connection};
use crate::history::{self, PastInstant, PastInstantError};
use crate::users::RoleName;
use crate::web::{Page, rows_to_fetch};

/// Which role assignments to list.
#[derive(Clone, Debug, Default)]
pub struct RoleAssignmentFilter {
    /// Only assignments of this user.
    pub user: Option<UserId>,
    /// Only assignments on resources of this type.
    pub resource_type: Option<ResourceType>,
    /// Only assignments on resources with this ID.
    pub resource_id: Option<ResourceId>,
    /// Only assignments with this role. No index covers it, so that a filter on the role alone is only for lists
    /// that are read rarely.
    pub role: Option<RoleName>,
    /// Only assignments on resources of these types, the ones that the caller may see.
    pub visible_types: Option<BTreeSet<String>>,
    /// Cursor: only assignments after this one.
    pub after: Option<Uuid>,
}

/// Maximum number of assignments that are examined for one page of the past. Assignments that had been deleted or had expired
/// by then don't fill the page.
const MAX_SCANNED: usize = 1000;
/// Number of assignments that are read per query.
const CHUNK: usize = 100;

impl RoleAssignmentFilter {
    /// All assignments of a user.
    pub fn of_user(user: UserId) -> Self {
        Self {
            user: Some(user),
            ..Self::default()
        }
    }

    /// All assignments on a resource.
    pub fn on(resource: ResourceName) -> Self {
        Self {
            resource_type: Some(resource.kind),
            resource_id: Some(resource.id),
            ..Self::default()
        }
    }

    /// Whether the filter names a single resource. Its assignments are ordered by user ID, all others by assignment ID.
    pub(super) fn is_one_resource(&self) -> bool {
        self.resource_type.is_some() && self.resource_id.is_some()
    }

    fn cursor(&self, id: RoleAssignmentId, user: UserId) -> Uuid {
        if self.is_one_resource() {
            user.uuid()
        } else {
            id.uuid()
        }
    }
}

impl Assignments {
    /// Returns at most `limit` live assignments.
    pub async fn list(
        &self,
        filter: RoleAssignmentFilter,
        limit: usize,
    ) -> db::Result<Page<RoleAssignment>> {
        let today = self.clock.now();
        self.database
            .read(move |conn| list_live(conn, &filter, today, limit))
            .await
    }

    /// Returns at most `limit` assignments that were live at an instant. A page may be shorter and still have a next page.
    ///
    /// # Errors
    /// [`PastInstantError::Future`] if the instant is in the future.
    pub async fn list_as_of(
        &self,
        filter: RoleAssignmentFilter,
        at: Timestamp,
        limit: usize,
    ) -> Result<(Page<RoleAssignment>, PastInstant), PastInstantError> {
        let database = self.database.clone();
        self.database
            .read(move |conn| {
                let instant = PastInstant::check(conn, &database, at)?;
                Ok((list_past(conn, &filter, at, limit)?, instant))
            })
            .await
    }

    /// Returns an assignment that was not deleted.
    ///
    /// # Errors
    /// [`RoleAssignmentError::Unknown`] if there is no such assignment.
    pub async fn read(&self, id: RoleAssignmentId) -> Result<RoleAssignment, RoleAssignmentError> {
        let assignment = self.find(id).await?;
        let is_present = !assignment.is_deleted();
        is_present
            .then_some(assignment)
            .ok_or(RoleAssignmentError::Unknown)
    }
}

/// Returns a page of the assignments that are live now.
pub(super) fn list_live(
    conn: &mut Connection,
    filter: &RoleAssignmentFilter,
    today: Timestamp,
    limit: usize,
) -> db::Result<Page<RoleAssignment>> {
    let found = queries::list_live(conn, filter, today, rows_to_fetch(limit))?;
    let cursor =
        |assignment: &RoleAssignment| filter.cursor(assignment.id, assignment.user_id).to_string();
    Ok(Page::from_rows(found, limit, cursor))
}

/// Returns a page of the assignments that were live at an instant.
pub(super) fn list_past(
    conn: &mut Connection,
    filter: &RoleAssignmentFilter,
    at: Timestamp,
    limit: usize,
) -> db::Result<Page<RoleAssignment>> {
    let mut filter = filter.clone();
    let mut items = Vec::new();
    let mut scanned = 0_usize;
    loop {
        let mut ever = queries::list_ever(conn, &filter, rows_to_fetch(CHUNK))?;
        let is_last = ever.len() <= CHUNK;
        ever.truncate(CHUNK);
        for (id, user, created_at) in ever {
            if items.len() >= limit || scanned >= MAX_SCANNED {
                let next = filter.after.map(|after| after.to_string());
                return Ok(Page { items, next });
            }
            scanned = scanned.saturating_add(1);
            filter.after = Some(filter.cursor(id, user));
            let revision = history::find_as_of(conn, "grant", id.uuid(), at)?;
            let unchanging = [("id", json!(id)), ("created_at", json!(created_at))];
            let assignment = revision.and_then(|revision| revision.record(&unchanging).ok());
            let counts = |assignment: &RoleAssignment| {
                assignment.is_live_at(at) && filter.matches_role(assignment)
            };
            items.extend(assignment.filter(counts));
        }
        if is_last {
            return Ok(Page { items, next: None });
        }
    }
}

impl RoleAssignmentFilter {
    fn matches_role(&self, assignment: &RoleAssignment) -> bool {
        let role = self.role.as_ref().map(RoleName::as_str);
        role.is_none_or(|role| assignment.roles.iter().any(|held| held == role))
    }
}
