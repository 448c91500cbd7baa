//! The right by which somebody comes in, used up in the transaction that stores their passkey.

use super::RegisterError;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId};
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

/// Who came in, and from where: the trail of how a passkey got here.
pub(super) struct Admitted {
    pub(super) user: User,
    /// Whether a session of theirs stands already.
    pub(super) is_signed_in: bool,
    pub(super) enrolled_session: Option<SessionId>,
    pub(super) enrolled_passkey: Option<PasskeyId>,
}

impl Admitted {
    fn newcomer(user: User) -> Self {
        Self {
            user,
            is_signed_in: false,
            enrolled_session: None,
            enrolled_passkey: None,
        }
    }
}

impl Entry {
    /// Locks the standing of the person whom it is about, if they are here already: before the clock is read.
    pub(super) fn lock(&self, conn: &mut Connection) -> Result<(), RegisterError> {
        match self {
            Self::SetUp(..) => {}
            Self::Join(link, _) => {
                if let Some(link) = TokenHash::from_text(link) {
                    users::lock_invited(conn, &link)?;
                }
            }
            Self::Add(session) => {
                standing::lock(conn, session.user)?;
            }
        }
        Ok(())
    }

    /// Uses the right up, and says who comes in. Raises their standing.
    pub(super) fn admit(
        self,
        conn: &mut Connection,
        now: Timestamp,
        judged_at: Timestamp,
        author: &Author,
    ) -> Result<Admitted, RegisterError> {
        match self {
            Self::SetUp(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(SetUpError::Gone)?;
                let user =
                    users::complete_set_up(conn, &link, &person.joiner(judged_at), now, author)?;
                Ok(Admitted::newcomer(user))
            }
            Self::Join(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(JoinError::Unknown)?;
                let joiner = person.joiner(judged_at);
                let (user, by_session) = users::accept(conn, &link, &joiner, now, author)?;
                let resting_on = match by_session {
                    Some(session) => sessions::find_good_passkeys(conn, user.id, session)?,
                    None => None,
                };
                Ok(Admitted {
                    enrolled_session: by_session,
                    enrolled_passkey: resting_on.and_then(|all| all.first().copied()),
                    ..Admitted::newcomer(user)
                })
            }
            Self::Add(session) => {
                standing::raise(conn, session.user, now)?;
                // Under the lock: a session that was ended a moment ago adds nothing.
                if !sessions::is_good(conn, &session)? {
                    return Err(RegisterError::SessionOver);
                }
                let user = users::find(conn, session.user)?.ok_or(RegisterError::SessionOver)?;
                Ok(Admitted {
                    user,
                    is_signed_in: true,
                    enrolled_session: Some(session.id),
                    enrolled_passkey: session.passkeys.first().copied(),
                })
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
            email: self.email,
            judged_at,
        }
    }
}
