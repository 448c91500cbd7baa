//! Ends sessions of other users.

use super::update::{UpdateError, find_manageable};
use super::{Permissions, Users};
use crate::base::ids::{SessionId, UserId};
use crate::clients::ActingAs;
use crate::sessions::{self, Ended};

impl Users {
    /// Ends one session of a user, and revokes what depends on it. Idempotent.
    pub async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        reason: Option<String>,
        permissions: Permissions,
        acting: ActingAs,
    ) -> Result<Ended, UpdateError> {
        let (database, sessions) = (self.database.clone(), self.sessions.clone());
        let ended = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                find_manageable(conn, user, permissions)?;
                let now = database.now(conn)?;
                let what = (user, session);
                let ended =
                    sessions.end_one_in_transaction(conn, what, now, reason.as_deref(), &author)?;
                Ok::<_, UpdateError>(ended)
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
    ) -> Result<Ended, UpdateError> {
        let database = self.database.clone();
        let ended = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                find_manageable(conn, user, permissions)?;
                let now = database.now(conn)?;
                let reason = reason.as_deref();
                Ok::<_, UpdateError>(sessions::end_all(conn, user, now, reason, &author)?)
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(ended)
    }
}
