//! Ends sessions of other users.

use super::{Permissions, Users, queries};
use crate::account_state::ChangePending;
use crate::base::ids::{SessionId, UserId};
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::sessions::{self, EndError, Ended};

/// Why no session was ended.
#[derive(Debug, thiserror::Error)]
pub enum SignOutError {
    /// The caller may not manage this user.
    #[error("the caller may not manage this user")]
    NotPermitted,
    /// The session or the user doesn't exist, the caller may no longer make the change, the change is not in force yet, or
    /// a database error.
    #[error(transparent)]
    End(#[from] EndError),
}

impl From<db::Error> for SignOutError {
    fn from(error: db::Error) -> Self {
        Self::End(error.into())
    }
}

impl From<ActingError> for SignOutError {
    fn from(error: ActingError) -> Self {
        Self::End(error.into())
    }
}

impl From<ChangePending> for SignOutError {
    fn from(error: ChangePending) -> Self {
        Self::End(error.into())
    }
}

impl Users {
    /// Ends one session of a user, and revokes what depends on it. Idempotent.
    pub async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        reason: Option<String>,
        permissions: Permissions,
        acting: ActingAs,
    ) -> Result<Ended, SignOutError> {
        let (database, sessions) = (self.database.clone(), self.sessions.clone());
        let ended = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                require_manageable(conn, user, permissions)?;
                let now = database.now(conn)?;
                let what = (user, session);
                let ended =
                    sessions.end_one_in_transaction(conn, what, now, reason.as_deref(), &author)?;
                Ok::<_, SignOutError>(ended)
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(ended)
    }

    /// Ends all sessions of a user. Idempotent.
    pub async fn end_all_sessions(
        &self,
        user: UserId,
        reason: Option<String>,
        permissions: Permissions,
        acting: ActingAs,
    ) -> Result<Ended, SignOutError> {
        let database = self.database.clone();
        let ended = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                require_manageable(conn, user, permissions)?;
                let now = database.now(conn)?;
                let reason = reason.as_deref();
                Ok::<_, SignOutError>(sessions::end_all(conn, user, now, reason, &author)?)
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(ended)
    }
}

fn require_manageable(
    conn: &mut Connection,
    user: UserId,
    permissions: Permissions,
) -> Result<(), SignOutError> {
    let user = queries::find_user(conn, user)?.ok_or(EndError::Unknown)?;
    if permissions.may_manage(conn, user.id, &user.roles)? {
        Ok(())
    } else {
        Err(SignOutError::NotPermitted)
    }
}
