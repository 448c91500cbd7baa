//! Assigns roles on a resource.

use super::assignment::{RoleAssignment, RoleAssignmentError, RoleAssignmentTerms, begin};
use super::assignment_permission::may_change;
use super::{Assignments, ResourceName, queries};
use crate::base::ids::UserId;
use crate::clients::ActingAs;
use crate::history::Event;

impl Assignments {
    /// Assigns roles on a resource to a user. A deleted or expired assignment is reused under its ID.
    ///
    /// # Errors
    /// [`RoleAssignmentError::Exists`] if the user already holds roles on the resource, another reason why nothing was assigned, or
    /// [`RoleAssignmentError::Pending`] if the assignment is committed but not yet in force.
    pub async fn assign(
        &self,
        user: UserId,
        resource: ResourceName,
        terms: RoleAssignmentTerms,
        acting: ActingAs,
    ) -> Result<RoleAssignment, RoleAssignmentError> {
        let today = self.clock.now();
        if terms.valid_until.is_some_and(|until| until <= today) {
            return Err(RoleAssignmentError::Past);
        }
        let database = self.database.clone();
        let assigned = self
            .database
            .write(move |conn| {
                let (author, now) = begin(conn, &database, user, &acting)?;
                if !may_change(conn, &author, &resource.kind)? {
                    return Err(RoleAssignmentError::NotPermitted);
                }
                let before = queries::find_assignment_of(conn, user, &resource)?;
                let mut assignment = match &before {
                    Some(before) if before.is_live_at(today) => {
                        return Err(RoleAssignmentError::Exists(before.id));
                    }
                    Some(before) => before.on(terms),
                    None => RoleAssignment::new(user, resource, terms, now, &author),
                };
                let event = Event::done("role_assignment.created");
                assignment.store(conn, before.as_ref(), event, now, &author)?;
                Ok(assignment)
            })
            .await;
        // A retried request finds the assignment that its first attempt wrote, which may not have been published yet.
        if matches!(assigned, Ok(_) | Err(RoleAssignmentError::Exists(_))) {
            self.account_states.publish(user).await?;
        }
        assigned
    }
}
