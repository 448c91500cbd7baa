//! The right to register a passkey, consumed in the transaction that stores the passkey.

use crate::account_state;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId};
use crate::base::secrets::TokenHash;
use crate::db::Connection;
use crate::history::Author;
use crate::passkeys::error::CeremonyError;
use crate::sessions::{self, LiveSession};
use crate::users::{self, JoinError, JoinRequest, SetUpError, User};

/// The right by which a user registers a passkey. It is determined by the ceremony.
pub(super) enum EnrolmentRight {
    SetUp(String, JoinRequest),
    Join(String, JoinRequest),
    Add(LiveSession),
}

/// The user who registers, and the session and passkey that they did it from, if any.
pub(super) struct EnrolledUser {
    pub(super) user: User,
    /// Whether the user has a session already.
    pub(super) is_signed_in: bool,
    pub(super) enrolled_session: Option<SessionId>,
    pub(super) enrolled_passkey: Option<PasskeyId>,
}

impl EnrolledUser {
    fn new_user(user: User) -> Self {
        Self {
            user,
            is_signed_in: false,
            enrolled_session: None,
            enrolled_passkey: None,
        }
    }
}

impl EnrolmentRight {
    /// Locks the account state of the user, if they exist already. Called before the clock is read.
    pub(super) fn lock(&self, conn: &mut Connection) -> Result<(), CeremonyError> {
        match self {
            Self::SetUp(..) => {}
            Self::Join(link, _) => {
                if let Some(link) = TokenHash::from_text(link) {
                    users::lock_invitation_parties(conn, &link)?;
                }
            }
            Self::Add(session) => {
                account_state::lock(conn, session.user)?;
            }
        }
        Ok(())
    }

    /// Consumes the right, and returns the user. Bumps the version of the user's account state.
    pub(super) fn consume(
        self,
        conn: &mut Connection,
        now: Timestamp,
        checked_at: Timestamp,
        author: &Author,
    ) -> Result<EnrolledUser, CeremonyError> {
        match self {
            Self::SetUp(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(SetUpError::LinkInvalid)?;
                let user = users::complete_set_up(conn, &link, &person, checked_at, now, author)?;
                Ok(EnrolledUser::new_user(user))
            }
            Self::Join(link, person) => {
                let link = TokenHash::from_text(&link).ok_or(JoinError::Unknown)?;
                let (user, by_session) =
                    users::accept(conn, &link, &person, checked_at, now, author)?;
                let passkeys = match by_session {
                    Some(session) => sessions::find_good_passkeys(conn, user.id, session)?,
                    None => None,
                };
                Ok(EnrolledUser {
                    enrolled_session: by_session,
                    enrolled_passkey: passkeys.and_then(|all| all.first().copied()),
                    ..EnrolledUser::new_user(user)
                })
            }
            Self::Add(session) => {
                account_state::bump_version(conn, session.user, now)?;
                // Checked under the lock, so that a session which was just ended adds nothing.
                if !sessions::is_good(conn, &session)? {
                    return Err(CeremonyError::SessionOver);
                }
                let user = users::find(conn, session.user)?.ok_or(CeremonyError::SessionOver)?;
                Ok(EnrolledUser {
                    user,
                    is_signed_in: true,
                    enrolled_session: Some(session.id),
                    enrolled_passkey: session.passkeys.first().copied(),
                })
            }
        }
    }
}
