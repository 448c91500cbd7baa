//! Withdraws a role assignment.

use super::assignment::{RoleAssignment, RoleAssignmentError, begin};
use super::change::find_changeable;
use super::{Assignments, queries};
use crate::base::ids::RoleAssignmentId;
use crate::clients::ActingAs;

impl Assignments {
    /// Withdraws an assignment: its roles no longer count from the next request on, on every instance. Idempotent. With
    /// `expected`, only if that is the current version.
    ///
    /// # Returns
    /// The assignment before the change. It has no roles if it had already been withdrawn.
    ///
    /// # Errors
    /// The reason why nothing was withdrawn, or [`RoleAssignmentError::Pending`] if the change is committed but not yet in force.
    pub async fn withdraw(
        &self,
        id: RoleAssignmentId,
        expected: Option<i64>,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<RoleAssignment, RoleAssignmentError> {
        let user = self.holder_of(id).await?;
        let database = self.database.clone();
        let before = self
            .database
            .write(move |conn| {
                let (author, now) = begin(conn, &database, user, &acting)?;
                let before = find_changeable(conn, id, &author)?;
                if before.is_withdrawn() {
                    return Ok(before);
                }
                if expected.is_some_and(|expected| expected != before.version) {
                    return Err(RoleAssignmentError::VersionMismatch(before.version));
                }
                let mut assignment = before.withdrawn();
                assignment.set_next_version(&before, now, &author);
                queries::update_assignment(conn, &assignment)?;
                let reason = reason.as_deref();
                assignment.record_version(
                    conn,
                    "role_assignment.withdrawn",
                    Some(&before),
                    reason,
                    &author,
                )?;
                Ok::<_, RoleAssignmentError>(before)
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(before)
    }
}
