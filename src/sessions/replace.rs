//! A session whose browser signs in anew ends.

use super::begin::Begun;
use super::end::{EndError, bound_the_ended};
use super::live::LiveSession;
use super::{Sessions, queries};
use crate::history::Author;
use crate::standing::{self, ChangePending};
use crate::tokens::revoke;

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
        let (database, next) = (self.database.clone(), by.live.clone());
        let moved = self
            .database
            .write(move |conn| {
                standing::lock(conn, user)?;
                let now = database.now(conn)?;
                revoke::move_session(conn, id, next.id)?;
                if !queries::end(conn, user, id, now, queries::REPLACED)? {
                    return Ok(None);
                }
                standing::raise(conn, user, now)?;
                bound_the_ended(conn, user, Some(&next), now, &author)
            })
            .await?;
        // The new one first: a session ahead of the record makes the gate read a newer record, one behind it is over.
        let kept = match moved {
            Some(moved) => self.keep(&by.key, &moved).await,
            None => Ok(()),
        };
        self.standings.publish(user).await?;
        kept.map_err(|away| ChangePending(away.into()))?;
        self.forget_seen(user, id).await;
        Ok(())
    }
}
