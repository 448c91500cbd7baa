//! Finds the users that an actor may read or change, and revokes their passkeys.

use super::{CommandError, Commands};
use crate::base::ids::{PasskeyId, UserId};
use crate::clients::Scope;
use crate::passkeys::{ManageError, RevocationResult, RevokeAs};
use crate::sessions::CallerError;
use crate::users::{Permit, ReleaseError, User};

impl Commands {
    /// Returns the user with this ID or name to administrators, users who manage them, and clients with the scope. All others
    /// are refused, whether or not the user exists.
    pub async fn find_user(&self, name: &str, scope: Scope) -> Result<User, CommandError> {
        let Some(delegate) = self.actor.delegate() else {
            self.actor.require(scope)?;
            return Ok(self.users.find(name).await?);
        };
        let user = self.users.find_managed(delegate, name).await?;
        Ok(user.ok_or(CallerError::NotPermitted)?)
    }

    /// As [`Commands::find_user`]; users may also read their own record.
    pub async fn read_user(&self, name: &str) -> Result<User, CommandError> {
        match self.actor.own_id(name, Scope::UsersRead) {
            Some(id) => Ok(self.users.find(&id.to_string()).await?),
            None => self.find_user(name, Scope::UsersRead).await,
        }
    }

    /// As [`Commands::read_user`], but returns only the ID: for records that belong to the user.
    pub async fn readable_user(&self, name: &str, scope: Scope) -> Result<UserId, CommandError> {
        match self.actor.own_id(name, scope) {
            Some(id) => Ok(id),
            None => Ok(self.find_user(name, scope).await?.id),
        }
    }

    /// The user to change, for administrators, users who manage them, and clients with the scope.
    pub async fn user_to_change(
        &self,
        name: &str,
        scope: Scope,
    ) -> Result<(UserId, Permit), CommandError> {
        if self.actor.delegate().is_some() {
            let user = self.find_user(name, scope).await?;
            return Ok((user.id, self.actor.permit(scope)?));
        }
        self.actor.require(scope)?;
        let permit = self.actor.permit(scope)?;
        Ok((self.users.resolve(name).await?, permit))
    }

    /// As [`Commands::user_to_change`]. Users in their own session may also suspend themselves, without a recent sign-in.
    pub async fn user_to_suspend(&self, name: &str) -> Result<(UserId, Permit), CommandError> {
        let scope = Scope::UsersWrite;
        let own = self.actor.own_id(name, scope);
        match own.filter(|_| self.actor.is_user_session()) {
            Some(id) => Ok((id, self.actor.permit_on_self(scope))),
            None => self.user_to_change(name, scope).await,
        }
    }

    /// Requires an actor who may read or change users. Returns the user whose roles limit which users; `None` for administrators
    /// and clients with the scope, who may access all users.
    pub async fn require_users_access(&self, scope: Scope) -> Result<Option<UserId>, CommandError> {
        let Some(delegate) = self.actor.delegate() else {
            self.actor.require(scope)?;
            return Ok(None);
        };
        if self.users.rights(delegate).await?.manages_no_users() {
            return Err(CallerError::NotPermitted.into());
        }
        Ok(Some(delegate))
    }

    /// The users with these IDs that the actor may see.
    pub async fn find_users(&self, ids: Vec<String>) -> Result<Vec<User>, CommandError> {
        Ok(match self.actor.delegate() {
            Some(delegate) => self.users.find_managed_many(delegate, ids).await?,
            None => self.users.find_many(ids).await?,
        })
    }

    /// Requires an administrator in their own session, who may release usernames.
    pub fn permit_release(&self) -> Result<Permit, CommandError> {
        if !self.actor.is_administrator_session() {
            return Err(ReleaseError::NotPermitted.into());
        }
        Ok(self.actor.permit(Scope::UsersWrite)?)
    }

    /// Revokes a passkey. Administrators can't revoke the last passkey of their own.
    pub async fn revoke_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        reason: Option<String>,
        permit: Permit,
    ) -> Result<RevocationResult, ManageError> {
        let revoke_as = if self.actor.user() == Some(user) {
            RevokeAs::Owner
        } else {
            RevokeAs::Manager(permit.permissions)
        };
        self.passkeys
            .revoke(user, id, reason, revoke_as, permit.acting)
            .await
    }
}
