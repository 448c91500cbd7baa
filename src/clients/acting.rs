//! The caller of a change, and the check inside the change's transaction that the caller may still make it.
//!
//! A request is authenticated before its transaction begins. By the time the transaction holds its locks, the caller may have been
//! suspended, signed out, disabled or stripped of the permission, so [`ActingAs::check`] evaluates the credential and permission
//! again. It is the only way from a request to an [`Author`], which every audit event and revision needs: no operation can skip it.

use super::{ClientRecord, Scope, queries};
use crate::account_state::{self, AccountState, AuthorizationRef, CheckResult, SessionRef};
use crate::base::ids::{AccessTokenId, AuthorizationId, ClientId, PasskeyId, SessionId, UserId};
use crate::db::{self, Connection};
use crate::history::Author;

/// The caller of an operation that changes data.
#[derive(Clone, Debug)]
pub struct ActingAs {
    author: Author,
    credential: Credential,
    permission: Permission,
}

/// What the caller was authenticated by.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The command line; its user has direct access to the stores anyway.
    CommandLine,
    /// A user's session.
    Session {
        /// ID of the session.
        session: SessionId,
        /// The user's session epoch when it began.
        epoch: i64,
        /// IDs of the passkeys that the session depends on.
        passkeys: Vec<PasskeyId>,
        /// Reads from the session's row whether the session is open: the account record lists only the most recently ended ones.
        is_open: fn(&mut Connection, SessionId) -> db::Result<bool>,
    },
    /// A client's secret.
    ClientSecret {
        /// Stored form of the secret that authenticated the client; `None` for a public client.
        hash: Option<String>,
    },
    /// An access token that a client got on its own behalf.
    ClientToken {
        /// ID of the token.
        id: AccessTokenId,
        /// The client's token epoch when it was issued.
        epoch: i64,
    },
    /// An access token that a user's app holds.
    UserToken(UserToken),
}

/// The parts of a user's access token that decide whether it is still valid.
#[derive(Clone, Debug)]
pub struct UserToken {
    /// ID of the authorization that the token was issued for.
    pub authorization: AuthorizationId,
    /// The user's session epoch when the authorization was made.
    pub epoch: i64,
    /// The client's epoch for users' authorizations when the authorization was made.
    pub client_epoch: i64,
    /// IDs of the passkeys that the authorization depends on.
    pub passkeys: Vec<PasskeyId>,
    /// Reads from the authorization's row whether it was revoked: the account record lists only the most recently revoked ones.
    pub is_revoked: fn(&mut Connection, AuthorizationId) -> db::Result<bool>,
}

/// The permission that the operation was requested under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Access to the user's own account.
    OwnAccount,
    /// What the user's roles let them manage. The operation itself checks which users and resources these roles cover.
    Roles,
    /// The role `admin`.
    Administrator,
    /// What the scope permits for all users and resources: a client needs the scope, a user the role `admin`.
    Scope(Scope),
}

/// Why the caller may no longer make the change.
#[derive(Debug, thiserror::Error)]
pub enum ActingError {
    /// The user's session has ended, with a reason code for the log.
    #[error("the session has ended: {0}")]
    SignedOut(&'static str),
    /// The client is disabled or deleted, or its secret was rotated.
    #[error("the client is no longer authenticated")]
    ClientRefused,
    /// The access token was revoked, with a reason code for the log.
    #[error("the access token is no longer valid: {0}")]
    TokenRefused(&'static str),
    /// The permission was revoked.
    #[error("the permission was revoked")]
    Forbidden,
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl ActingAs {
    /// The caller for operations of the command line.
    pub fn command() -> Self {
        Self {
            author: Author::command(),
            credential: Credential::CommandLine,
            permission: Permission::Administrator,
        }
    }

    /// The caller of an HTTP request. `author` names the user, the client, or both.
    pub fn new(author: Author, credential: Credential, permission: Permission) -> Self {
        Self {
            author,
            credential,
            permission,
        }
    }

    /// What the caller was authenticated by.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The client that makes the change, on its own behalf or for a user.
    pub(super) fn client(&self) -> Option<ClientId> {
        self.author.client()
    }

    /// Locks the caller's client, then in one statement the accounts of `users` and of the caller, checks that the caller may still
    /// make the change, and returns the author for audit events and revisions. Must be called first in the transaction. Only the
    /// row of the client or resource that the operation changes is locked before it, so that a caller who waits for that row does
    /// not delay their own revocation.
    ///
    /// # Errors
    /// The reason why the caller may no longer make the change; the operation must not change anything then.
    pub fn check(&self, conn: &mut Connection, users: &[UserId]) -> Result<Author, ActingError> {
        if let Credential::CommandLine = self.credential {
            account_state::lock_all(conn, users)?;
            return Ok(self.author.clone());
        }
        let client = match self.author.client() {
            Some(id) => queries::lock_shared(conn, id)?,
            None => None,
        };
        let mut users = users.to_vec();
        users.extend(self.author.user());
        account_state::lock_all(conn, &users)?;
        let account = match self.author.user() {
            Some(user) => account_state::find_record(conn, user)?,
            None => None,
        };
        self.check_credential(conn, client.as_ref(), account.as_ref())?;
        self.check_permission(client.as_ref(), account.as_ref())?;
        Ok(self.author.clone())
    }

    fn check_credential(
        &self,
        conn: &mut Connection,
        client: Option<&ClientRecord>,
        account: Option<&AccountState>,
    ) -> Result<(), ActingError> {
        let client = client.filter(|record| record.client.enabled);
        match &self.credential {
            Credential::CommandLine => Ok(()),
            Credential::Session {
                session,
                epoch,
                passkeys,
                is_open,
            } => {
                let session_ref = SessionRef {
                    session: *session,
                    epoch: *epoch,
                    passkeys,
                    // Not compared: a step-up of the session must not fail requests that are in progress.
                    auth_time: None,
                };
                let account = account.ok_or(ActingError::SignedOut("no-account"))?;
                match account.check_session(&session_ref) {
                    CheckResult::Valid => Ok(()),
                    CheckResult::ReadRow if is_open(conn, *session)? => Ok(()),
                    CheckResult::ReadRow => Err(ActingError::SignedOut("session-ended")),
                    CheckResult::Refused(reason) => Err(ActingError::SignedOut(reason)),
                    CheckResult::StateIsOutdated => Err(ActingError::SignedOut("unknown-epoch")),
                }
            }
            Credential::ClientSecret { hash } => client
                .filter(|record| record.secret_hash == *hash)
                .map(|_| ())
                .ok_or(ActingError::ClientRefused),
            Credential::ClientToken { id, epoch } => client
                .filter(|record| record.is_own_token_valid(*id, *epoch))
                .map(|_| ())
                .ok_or(ActingError::TokenRefused("token-revoked")),
            Credential::UserToken(token) => token.check(conn, client, account),
        }
    }

    fn check_permission(
        &self,
        client: Option<&ClientRecord>,
        account: Option<&AccountState>,
    ) -> Result<(), ActingError> {
        let is_allowed = match (self.permission, client, account) {
            (Permission::OwnAccount | Permission::Roles, ..) => true,
            (Permission::Administrator, None, Some(account)) => account.is_administrator(),
            (Permission::Administrator, ..) | (Permission::Scope(_), None, None) => false,
            (Permission::Scope(scope), client, account) => {
                let has_scope = client.is_none_or(|record| record.client.scopes.contains(scope));
                has_scope && account.is_none_or(AccountState::is_administrator)
            }
        };
        is_allowed.then_some(()).ok_or(ActingError::Forbidden)
    }
}

impl UserToken {
    fn check(
        &self,
        conn: &mut Connection,
        client: Option<&ClientRecord>,
        account: Option<&AccountState>,
    ) -> Result<(), ActingError> {
        let record = client.ok_or(ActingError::TokenRefused("client-disabled"))?;
        let account = account.ok_or(ActingError::TokenRefused("no-account"))?;
        if record.user_authorizations_epoch != self.client_epoch {
            return Err(ActingError::TokenRefused("client-was-disabled"));
        }
        if !record.client.allows_user(account) {
            return Err(ActingError::TokenRefused("role-missing"));
        }
        let authorization_ref = AuthorizationRef {
            authorization: self.authorization,
            epoch: self.epoch,
            passkeys: &self.passkeys,
        };
        match account.check_authorization(&authorization_ref) {
            CheckResult::Valid => Ok(()),
            CheckResult::ReadRow if !(self.is_revoked)(conn, self.authorization)? => Ok(()),
            CheckResult::ReadRow => Err(ActingError::TokenRefused("authorization-revoked")),
            CheckResult::Refused(reason) => Err(ActingError::TokenRefused(reason)),
            CheckResult::StateIsOutdated => Err(ActingError::TokenRefused("unknown-epoch")),
        }
    }
}
