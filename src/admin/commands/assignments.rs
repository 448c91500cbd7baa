//! Role assignments: roles of users on single resources.

use super::{AccessScope, CommandError, Commands, Permit};
use crate::assignments::{RoleAssignment, RoleAssignmentError};
use crate::base::ids::RoleAssignmentId;
use crate::clients::Scope;
use crate::sessions::CallerError;

impl Commands {
    /// The types of resources on which the actor may see role assignments.
    pub async fn read_scope(&self) -> Result<AccessScope, CommandError> {
        self.access_scope(Scope::RoleAssignmentsRead).await
    }

    /// The types of resources on which the actor may change role assignments. Requires a recent sign-in.
    pub async fn write_scope(&self) -> Result<(AccessScope, Permit), CommandError> {
        let scope = self.access_scope(Scope::RoleAssignmentsWrite).await?;
        Ok((scope, self.actor.permit(Scope::RoleAssignmentsWrite)?))
    }

    async fn access_scope(&self, scope: Scope) -> Result<AccessScope, CommandError> {
        let Some(manager) = self.actor.manager() else {
            self.actor.require(scope)?;
            return Ok(AccessScope::All);
        };
        let scope = AccessScope::of_rights(&self.users.rights(manager).await?);
        Ok(scope.ok_or(CallerError::NotAdministrator)?)
    }

    /// The role assignment, if the actor may see it.
    pub async fn find_assignment(
        &self,
        id: RoleAssignmentId,
        scope: &AccessScope,
    ) -> Result<RoleAssignment, RoleAssignmentError> {
        let assignment = self.assignments.read(id).await?;
        let is_visible = scope.covers(&assignment.resource_type);
        is_visible
            .then_some(assignment)
            .ok_or(RoleAssignmentError::Unknown)
    }
}
