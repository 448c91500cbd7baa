//! Ends a session when the user signs in again in the same browser.

use super::end::EndError;
use super::live::LiveSession;
use super::new_session::NewSession;
use super::queries::End;
use super::{Sessions, queries};
use crate::account_state;
use crate::history::Author;
use crate::tokens;

impl Sessions {
    /// Ends the session that the new session `by` replaces in the same browser: its account state refuses it from then on, even
    /// if an old live copy reappears. If the user is the same, nothing is revoked: the app authorizations of the old session move
    /// to the new one. Call it before the browser gets the new key.
    pub async fn end_replaced(
        &self,
        session: &LiveSession,
        by: &NewSession,
        author: Author,
    ) -> Result<(), EndError> {
        let (user, id) = (session.user, session.id);
        if by.live.user != user {
            self.sign_out(session, author).await?;
            return Ok(());
        }
        let (database, sessions) = (self.database.clone(), self.clone());
        let next = by.live.id;
        self.database
            .write(move |conn| {
                account_state::lock(conn, user)?;
                let now = database.now(conn)?;
                tokens::move_session(conn, id, next)?;
                let end = End {
                    at: now,
                    reason: queries::REPLACED,
                    listed_until: Some(sessions.listed_until(now)),
                };
                if queries::end(conn, user, id, end)? {
                    account_state::bump_version(conn, user, now)?;
                }
                Ok::<_, EndError>(())
            })
            .await?;
        self.account_states.publish(user).await?;
        self.delete_last_seen(user, id).await;
        Ok(())
    }
}
