//! Updates a role assignment.

use super::assignment::{RoleAssignment, RoleAssignmentError, begin};
use super::assignment_permission::may_change;
use super::text::{AssignedRoles, Description, Title};
use super::{Assignments, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::RoleAssignmentId;
use crate::clients::ActingAs;
use crate::db::Connection;
use crate::history::{Author, Event};

/// The fields of a role assignment to change. `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct RoleAssignmentChange {
    /// Replaces all roles.
    pub roles: Option<AssignedRoles>,
    /// Sets the title, or removes it.
    pub title: Option<Option<Title>>,
    /// Sets the description, or removes it.
    pub description: Option<Option<Description>>,
    /// Sets the expiry time, or removes it.
    pub valid_until: Option<Option<Timestamp>>,
}

impl RoleAssignmentChange {
    fn apply(self, before: &RoleAssignment) -> RoleAssignment {
        let mut assignment = before.clone();
        if let Some(roles) = self.roles {
            assignment.roles = roles.into_names();
        }
        if let Some(title) = self.title {
            assignment.title = title.map(Title::into_text);
        }
        if let Some(description) = self.description {
            assignment.description = description.map(Description::into_text);
        }
        if let Some(valid_until) = self.valid_until {
            assignment.valid_until = valid_until;
        }
        assignment
    }
}

impl Assignments {
    /// Updates a role assignment that was not deleted; it may have expired. With `expected`, only if that is the current version.
    ///
    /// # Errors
    /// The reason why nothing was changed, or [`RoleAssignmentError::Pending`] if the change is committed but not yet in force.
    pub async fn update(
        &self,
        id: RoleAssignmentId,
        change: RoleAssignmentChange,
        expected: Option<i64>,
        acting: ActingAs,
    ) -> Result<RoleAssignment, RoleAssignmentError> {
        let today = self.clock.now();
        if change
            .valid_until
            .flatten()
            .is_some_and(|until| until <= today)
        {
            return Err(RoleAssignmentError::Past);
        }
        let user = self.find(id).await?.user_id;
        let database = self.database.clone();
        let updated = self
            .database
            .write(move |conn| {
                let (author, now) = begin(conn, &database, user, &acting)?;
                let before = find_changeable(conn, id, &author)?;
                if before.is_deleted() {
                    return Err(RoleAssignmentError::Unknown);
                }
                if expected.is_some_and(|expected| expected != before.version) {
                    return Err(RoleAssignmentError::VersionMismatch(before.version));
                }
                let mut assignment = change.apply(&before);
                if assignment == before {
                    return Ok(assignment);
                }
                let event = Event::done("role_assignment.updated");
                assignment.store(conn, Some(&before), event, now, &author)?;
                Ok(assignment)
            })
            .await;
        // A retried request finds the version that its first attempt wrote, which may not have been published yet.
        if matches!(
            updated,
            Ok(_) | Err(RoleAssignmentError::VersionMismatch(_))
        ) {
            self.account_states.publish(user).await?;
        }
        updated
    }

    /// Returns an assignment, also a deleted one.
    pub(super) async fn find(
        &self,
        id: RoleAssignmentId,
    ) -> Result<RoleAssignment, RoleAssignmentError> {
        self.database
            .read(move |conn| {
                queries::find_assignment(conn, id)?.ok_or(RoleAssignmentError::Unknown)
            })
            .await
    }
}

/// Reads an assignment while the caller holds the user's lock. Returns `Unknown` if the author may not manage assignments on its
/// resource type, so that its existence isn't revealed.
pub(super) fn find_changeable(
    conn: &mut Connection,
    id: RoleAssignmentId,
    author: &Author,
) -> Result<RoleAssignment, RoleAssignmentError> {
    let assignment = queries::find_assignment(conn, id)?.ok_or(RoleAssignmentError::Unknown)?;
    if !may_change(conn, author, &assignment.resource_type)? {
        return Err(RoleAssignmentError::Unknown);
    }
    Ok(assignment)
}
