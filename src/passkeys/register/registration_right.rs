//! The right to register a passkey, consumed in the transaction that stores the passkey.

use crate::account_state;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId};
use crate::base::secrets::TokenHash;
use crate::db::Connection;
use crate::history::Author;
use crate::passkeys::ceremony::Registration;
use crate::passkeys::error::CeremonyError;
use crate::sessions::{self, LiveSession};
use crate::users::{self, JoinError, SetUpError, User};

/// The user who registers, and the session and passkey that they did it from, if any.
pub(super) struct RegisteredUser {
    pub(super) user: User,
    /// Whether the user has a session already.
    pub(super) is_signed_in: bool,
    pub(super) enrolled_session: Option<SessionId>,
    pub(super) enrolled_passkey: Option<PasskeyId>,
}

impl RegisteredUser {
    fn new_user(user: User) -> Self {
        Self {
            user,
            is_signed_in: false,
            enrolled_session: None,
            enrolled_passkey: None,
        }
    }
}

impl Registration {
    /// Locks the account state of the user, if they exist already. Called before the clock is read.
    pub(super) fn lock(&self, conn: &mut Connection) -> Result<(), CeremonyError> {
        match self {
            Self::SetUp(..) => {}
            Self::Join(link, _) => {
                if let Some(link) = TokenHash::from_text(link) {
                    users::lock_invitation_parties(conn, &link)?;
                }
            }
            Self::Add(user, _) => {
                account_state::lock(conn, *user)?;
            }
        }
        Ok(())
    }

    /// Consumes the right, and returns the user. `signed_in` is the fresh session of the request, if it has one. Bumps the version of the user's account state.
    pub(super) fn consume(
        self,
        conn: &mut Connection,
        signed_in: Option<LiveSession>,
        (now, checked_at): (Timestamp, Timestamp),
        author: &Author,
    ) -> Result<RegisteredUser, CeremonyError> {
        match self {
            Self::SetUp(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(SetUpError::LinkInvalid)?;
                let user = users::complete_set_up(conn, &link, &person, checked_at, now, author)?;
                Ok(RegisteredUser::new_user(user))
            }
            Self::Join(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(JoinError::Unknown)?;
                let (user, by_session) =
                    users::accept(conn, &link, &person, checked_at, now, author)?;
                let passkeys = match by_session {
                    Some(session) => sessions::find_valid_passkeys(conn, user.id, session)?,
                    None => None,
                };
                Ok(RegisteredUser {
                    enrolled_session: by_session,
                    enrolled_passkey: passkeys.and_then(|all| all.first().copied()),
                    ..RegisteredUser::new_user(user)
                })
            }
            Self::Add(user, id) => {
                let session = signed_in
                    .filter(|session| session.user == user && session.id == id)
                    .ok_or(CeremonyError::SessionOver)?;
                account_state::bump_version(conn, session.user, now)?;
                // Checked under the lock, so that a session which was just ended adds nothing.
                if !sessions::is_valid(conn, &session)? {
                    return Err(CeremonyError::SessionOver);
                }
                let user = users::find(conn, session.user)?.ok_or(CeremonyError::SessionOver)?;
                Ok(RegisteredUser {
                    user,
                    is_signed_in: true,
                    enrolled_session: Some(session.id),
                    enrolled_passkey: session.passkeys.first().copied(),
                })
            }
        }
    }
}
