//! A session whose browser signs in anew ends.

use super::begin::Begun;
use super::end::EndError;
use super::live::LiveSession;
use super::queries::End;
use super::{Sessions, queries};
use crate::history::Author;
use crate::standing;
use crate::tokens;

impl Sessions {
    /// Ends a session whose place a new sign-in in the same browser took: its standing refuses it, whatever copy of it comes back.
    /// Of the same person nothing was withdrawn, so what it gave hangs on the new one. Called before the browser gets the new key.
    ///
    /// # Errors
    /// When it is not in force: then nobody has signed in.
    pub async fn replaced(
        &self,
        session: &LiveSession,
        by: &Begun,
        author: Author,
    ) -> Result<(), EndError> {
        let (user, id) = (session.user, session.id);
        if by.live.user != user {
            self.leave(session, author).await?;
            return Ok(());
        }
        let (database, sessions) = (self.database.clone(), self.clone());
        let next = by.live.id;
        self.database
            .write(move |conn| {
                standing::lock(conn, user)?;
                let now = database.now(conn)?;
                tokens::move_session(conn, id, next)?;
                let end = End {
                    at: now,
                    reason: queries::REPLACED,
                    listed_until: Some(sessions.listed_until(now)),
                };
                if queries::end(conn, user, id, end)? {
                    standing::raise(conn, user, now)?;
                }
                Ok::<_, EndError>(())
            })
            .await?;
        self.standings.publish(user).await?;
        self.forget_seen(user, id).await;
        Ok(())
    }
}
