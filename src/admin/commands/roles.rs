//! Who may read and change the registry of roles. Roles decide which users manage which others, so clients may only read them.

use super::{CommandError, Commands};
use crate::clients::Scope;
use crate::sessions::CallerError;
use crate::users::Permit;

impl Commands {
    /// Requires an administrator, a user who manages users or resources by a role, or a client with `role-assignments:read`.
    pub async fn require_roles_read(&self) -> Result<(), CommandError> {
        let Some(delegate) = self.actor.delegate() else {
            return Ok(self.actor.require(Scope::RoleAssignmentsRead)?);
        };
        if self.users.rights(delegate).await?.is_empty() {
            return Err(CallerError::NotPermitted.into());
        }
        Ok(())
    }

    /// Requires an administrator in their own session, with a recent sign-in.
    pub fn permit_roles(&self) -> Result<Permit, CommandError> {
        if self.actor.is_administrator_session() {
            return Ok(self.actor.permit(Scope::RoleAssignmentsWrite)?);
        }
        Err(if self.actor.is_user_session() {
            CallerError::NotPermitted.into()
        } else {
            CommandError::RolesNeedUserSession
        })
    }
}
