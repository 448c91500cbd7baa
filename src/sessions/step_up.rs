//! Steps a session up after a verified ceremony, and replaces its key.

use super::key::SessionKey;
use super::live::LiveSession;
use super::new_session::{FollowUp, NewSession};
use super::verified::VerifiedCeremony;
use super::{Sessions, queries};
use crate::account_state;
use crate::base::clock::Timestamp;
use crate::db::{self, Connection};

/// Why a session could not be stepped up.
#[derive(Debug, thiserror::Error)]
pub enum SessionStepUpError {
    /// The session has ended, or another request has stepped it up.
    #[error("the session has ended")]
    Over,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Steps a session up after a new ceremony of the same user: a later `auth_time`, the ceremony's passkey added to those
/// that it depends on, and a new key. From the commit on, the account state refuses the earlier key, even if a live
/// copy under it remains.
///
/// # Errors
/// `Over` if the session has ended or was stepped up in the meantime, or belongs to another user.
pub fn step_up(
    conn: &mut Connection,
    sessions: &Sessions,
    session: &LiveSession,
    ceremony: &VerifiedCeremony,
) -> Result<NewSession, SessionStepUpError> {
    if session.user != ceremony.user() {
        return Err(SessionStepUpError::Over);
    }
    let epoch = account_state::find_epoch(conn, session.user)?;
    if epoch != Some(session.epoch) {
        return Err(SessionStepUpError::Over);
    }
    let mut live = session.touched(ceremony.at(), sessions.idle_timeout);
    // Strictly later, because it distinguishes the live copies under the two keys.
    let next = Timestamp::from_micros(session.auth_time.as_micros().saturating_add(1));
    live.auth_time = ceremony.at().max(next);
    ceremony.acr().as_str().clone_into(&mut live.acr);
    live.amr = ceremony.acr().amr().map(str::to_owned).to_vec();
    if !live.passkeys.contains(&ceremony.passkey()) {
        live.passkeys.push(ceremony.passkey());
    }
    if !queries::update_stepped_up(conn, &live, session)? {
        return Err(SessionStepUpError::Over);
    }
    let now = sessions.database.now(conn)?;
    queries::list_until(conn, live.id, sessions.listed_until(now))?;
    account_state::bump_version(conn, session.user, now)?;
    Ok(NewSession {
        key: SessionKey::generate(session.user),
        live,
        follow_up: FollowUp::PublishRecord,
    })
}
