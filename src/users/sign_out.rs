//! Ends sessions of other users.

use super::Users;
use super::permissions::Permit;
use super::update::{UpdateError, find_manageable};
use crate::base::ids::{SessionId, UserId};
use crate::sessions::{self, Ended};
use crate::tokens::SessionEnd;

impl Users {
    /// Ends one session of a user, or all of them if `session` is `None`, and revokes what depends on it. Idempotent.
    pub async fn end_sessions(
        &self,
        user: UserId,
        session: Option<SessionId>,
        reason: Option<String>,
        permit: Permit,
    ) -> Result<Ended, UpdateError> {
        let (database, sessions) = (self.database.clone(), self.sessions.clone());
        let ended = self
            .database
            .write(move |conn| {
                let author = permit.acting.check(conn, &[user])?;
                find_manageable(conn, user, permit.permissions)?;
                let (now, reason) = (database.now(conn)?, reason.as_deref());
                Ok::<_, UpdateError>(match session {
                    Some(id) => {
                        let what = (user, id, SessionEnd::Revoked);
                        sessions.end_in_transaction(conn, what, now, reason, &author)?
                    }
                    None => sessions::end_all(conn, user, now, reason, &author)?,
                })
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(ended)
    }
}
