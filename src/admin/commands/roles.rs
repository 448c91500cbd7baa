//! Who may read and change the registry of roles. Roles decide which users manage which others, so clients may only read them.

use super::{CommandError, Commands, Permit};
use crate::clients::Scope;
use crate::sessions::CallerError;

impl Commands {
    /// Requires an administrator, a user who manages users or resources by a role, or a client with `role-assignments:read`.
    pub async fn require_roles_read(&self) -> Result<(), CommandError> {
        let Some(manager) = self.actor.manager() else {
            return Ok(self.actor.require(Scope::RoleAssignmentsRead)?);
        };
        if self.users.rights(manager).await?.is_empty() {
            return Err(CallerError::NotAdministrator.into());
        }
        Ok(())
    }

    /// Requires an administrator who signed in themselves, with a recent sign-in.
    pub fn permit_roles(&self) -> Result<Permit, CommandError> {
        if self.actor.is_administrator_in_person() {
            return Ok(self.actor.permit(Scope::RoleAssignmentsWrite)?);
        }
        Err(if self.actor.is_in_person() {
            CallerError::NotAdministrator.into()
        } else {
            CommandError::RolesInPerson
        })
    }
}
