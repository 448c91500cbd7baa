//! Who may create, see and revoke invitations.

use super::{CommandError, Commands};
use crate::base::ids::InvitationId;
use crate::clients::Scope;
use crate::sessions::CallerError;
use crate::users::{InvitationError, InvitationView, Permit};

impl Commands {
    /// Requires an actor who may invite a new user, or create a recovery link for the existing `user`.
    pub async fn permit_invite(&self, user: Option<&str>) -> Result<Permit, CommandError> {
        let delegate = self.require_users_access(Scope::UsersWrite).await?;
        match (delegate, user) {
            // The error does not reveal whether the user exists.
            (Some(delegate), Some(name)) => {
                let user = self.users.find_managed(delegate, name).await?;
                user.ok_or(CallerError::NotPermitted)?;
            }
            // Anyone who has a link for an existing user can sign in as that user.
            (None, Some(_)) => self.actor.require(Scope::PasskeysEnrol)?,
            (_, None) => {}
        }
        Ok(self.actor.permit(Scope::UsersWrite)?)
    }

    /// The invitation, if the actor may see it: users who manage others by a role see only those that they created.
    pub async fn find_invitation(&self, id: &str) -> Result<InvitationView, InvitationError> {
        let id = InvitationId::parse(id).ok_or(InvitationError::Unknown)?;
        let found = self.users.read_invitation(id).await?;
        match self.actor.delegate() {
            Some(user) if found.invitation.by_user != Some(user) => Err(InvitationError::Unknown),
            _ => Ok(found),
        }
    }

    /// Revokes an invitation. Users who manage others by a role don't learn which invitations of other creators exist.
    pub async fn revoke_invitation(
        &self,
        id: &str,
        reason: Option<String>,
        permit: Permit,
    ) -> Result<(), InvitationError> {
        let revoked = match InvitationId::parse(id) {
            Some(id) => self.users.revoke_invitation(id, reason, permit).await,
            None => Err(InvitationError::Unknown),
        };
        match revoked {
            Err(InvitationError::Unknown) if self.actor.delegate().is_some() => {
                Err(InvitationError::NotPermitted)
            }
            revoked => revoked,
        }
    }
}
