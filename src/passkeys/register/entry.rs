//! The right to register a passkey, consumed in the transaction that stores the passkey.

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

/// The right by which a user registers a passkey. It is determined by the ceremony.
pub(super) enum Entry {
    SetUp(String, NewPerson),
    Join(String, NewPerson),
    Add(LiveSession),
}

/// The user who registers, and the session and passkey that they did it from, if any.
pub(super) struct Admitted {
    pub(super) user: User,
    /// Whether the user has a session already.
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
    /// Locks the account state of the user, if they exist already. Called before the clock is read.
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

    /// Consumes the right, and returns the user. Bumps the version of the user's account state.
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
                // Checked under the lock, so that a session which was just ended adds nothing.
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
