//! Deletes a role assignment.

use super::Assignments;
use super::assignment::{RoleAssignment, RoleAssignmentError, begin};
use super::update::find_changeable;
use crate::base::ids::RoleAssignmentId;
use crate::clients::ActingAs;
use crate::history::Event;

impl Assignments {
    /// Deletes an assignment: its roles no longer count from the next request on, on every instance. Idempotent. With
    /// `expected`, only if that is the current version.
    ///
    /// # Returns
    /// The assignment before the change. It has no roles if it had already been deleted.
    ///
    /// # Errors
    /// The reason why nothing was deleted, or [`RoleAssignmentError::Pending`] if the change is committed but not yet in force.
    pub async fn delete(
        &self,
        id: RoleAssignmentId,
        expected: Option<i64>,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<RoleAssignment, RoleAssignmentError> {
        let user = self.find(id).await?.user_id;
        let database = self.database.clone();
        let before = self
            .database
            .write(move |conn| {
                let (author, now) = begin(conn, &database, user, &acting)?;
                let before = find_changeable(conn, id, &author)?;
                if before.is_deleted() {
                    return Ok(before);
                }
                if expected.is_some_and(|expected| expected != before.version) {
                    return Err(RoleAssignmentError::VersionMismatch(before.version));
                }
                let mut assignment = before.without_roles();
                let event = Event::done("role_assignment.deleted").with_reason(reason.as_deref());
                assignment.store(conn, Some(&before), event, now, &author)?;
                Ok::<_, RoleAssignmentError>(before)
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(before)
    }
}
