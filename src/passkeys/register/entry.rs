//! The right by which somebody comes in, used up in the transaction that stores their passkey.

use super::RegisterError;
use crate::base::clock::Timestamp;
use crate::base::secrets::TokenHash;
use crate::db::Connection;
use crate::history::Author;
use crate::passkeys::ceremony::NewPerson;
use crate::sessions::{self, LiveSession};
use crate::standing;
use crate::users::{self, JoinError, Joiner, SetUpError, User};

/// By what right somebody comes in: known only from the ceremony.
pub(super) enum Entry {
    SetUp(String, NewPerson),
    Join(String, NewPerson),
    Add(LiveSession),
}

impl Entry {
    /// Uses the right up, and returns the person and, where it was a session, that session. Raises their standing.
    pub(super) fn admit(
        self,
        conn: &mut Connection,
        now: Timestamp,
        judged_at: Timestamp,
        author: &Author,
    ) -> Result<(User, Option<LiveSession>), RegisterError> {
        match self {
            Self::SetUp(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(SetUpError::Gone)?;
                let user =
                    users::complete_set_up(conn, &link, &person.joiner(judged_at), now, author)?;
                Ok((user, None))
            }
            Self::Join(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(JoinError::Unknown)?;
                let user = users::accept(conn, &link, &person.joiner(judged_at), now, author)?;
                Ok((user, None))
            }
            Self::Add(session) => {
                standing::raise(conn, session.user, now)?;
                // Under the lock: a session that was ended a moment ago adds nothing.
                if !sessions::is_good(conn, &session)? {
                    return Err(RegisterError::SessionOver);
                }
                let user = users::find(conn, session.user)?.ok_or(RegisterError::SessionOver)?;
                Ok((user, Some(session)))
            }
        }
    }
}

impl NewPerson {
    fn joiner(self, judged_at: Timestamp) -> Joiner {
        Joiner {
            id: self.id,
            username: self.username,
            display_name: self.display_name,
            judged_at,
        }
    }
}
