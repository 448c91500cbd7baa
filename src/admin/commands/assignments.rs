//! Role assignments: roles of users on single resources.

use super::{CommandError, Commands, TypeAccess};
use crate::assignments::{RoleAssignment, RoleAssignmentError};
use crate::base::ids::RoleAssignmentId;
use crate::clients::Scope;
use crate::sessions::CallerError;
use crate::users::Permit;

impl Commands {
    /// The types of resources on which the actor may see role assignments.
    pub async fn readable_types(&self) -> Result<TypeAccess, CommandError> {
        self.type_access(Scope::RoleAssignmentsRead).await
    }

    /// The types of resources on which the actor may change role assignments. Requires a recent sign-in.
    pub async fn writable_types(&self) -> Result<(TypeAccess, Permit), CommandError> {
        let access = self.type_access(Scope::RoleAssignmentsWrite).await?;
        Ok((access, self.actor.permit(Scope::RoleAssignmentsWrite)?))
    }

    async fn type_access(&self, scope: Scope) -> Result<TypeAccess, CommandError> {
        let Some(delegate) = self.actor.delegate() else {
            self.actor.require(scope)?;
            return Ok(TypeAccess::All);
        };
        let access = TypeAccess::of_rights(&self.users.rights(delegate).await?);
        Ok(access.ok_or(CallerError::NotPermitted)?)
    }

    /// The role assignment, if the actor may see it.
    pub async fn find_assignment(
        &self,
        id: RoleAssignmentId,
        access: &TypeAccess,
    ) -> Result<RoleAssignment, RoleAssignmentError> {
        let assignment = self.assignments.read(id).await?;
        let is_visible = access.covers(&assignment.resource_type);
        is_visible
            .then_some(assignment)
            .ok_or(RoleAssignmentError::Unknown)
    }
}
