//! Checks inside a transaction whether a session is valid or was revoked.

use super::live::LiveSession;
use super::queries;
use crate::account_state::{self, CheckResult};
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::db::{self, Connection};

/// End reasons of sessions that were not revoked.
const ORDINARY_REASONS: [&str; 4] = [
    queries::SIGNED_OUT,
    queries::REPLACED,
    queries::EXPIRED,
    queries::TOO_MANY_OPEN,
];

/// Checks in the caller's transaction, under the lock of the user's account, whether a session is still valid: the result of the
/// request's earlier check may be outdated.
pub fn is_valid(conn: &mut Connection, session: &LiveSession) -> db::Result<bool> {
    let Some(record) = account_state::find_record(conn, session.user)? else {
        return Ok(false);
    };
    match record.check_session(&session.session_ref()) {
        CheckResult::Valid => Ok(true),
        CheckResult::ReadRow => queries::is_current(conn, session.id, Some(session.auth_time)),
        CheckResult::StateIsOutdated | CheckResult::Refused(_) => Ok(false),
    }
}

/// Returns the passkeys that a session depends on, if it is valid at this moment of the caller's transaction.
pub fn find_valid_passkeys(
    conn: &mut Connection,
    user: UserId,
    session: SessionId,
) -> db::Result<Option<Vec<PasskeyId>>> {
    let Some(row) = queries::find_open(conn, user, session)? else {
        return Ok(None);
    };
    let session_ref = account_state::SessionRef {
        session,
        epoch: row.epoch,
        passkeys: &row.passkeys.0,
        auth_time: None,
    };
    let record = account_state::find_record(conn, user)?;
    // The row says that the session has not ended.
    let is_valid = record.is_some_and(|record| {
        matches!(
            record.check_session(&session_ref),
            CheckResult::Valid | CheckResult::ReadRow
        )
    });
    Ok(is_valid.then_some(row.passkeys.0))
}

/// Returns whether a session was revoked: someone ended it, or revoked a passkey that it depends on, even after it had ended. A
/// session was not revoked if its user signed out or signed in again, if it expired, or if it exceeded the cap.
pub fn was_revoked(conn: &mut Connection, user: UserId, session: SessionId) -> db::Result<bool> {
    let Some((passkeys, ended_at, reason)) = queries::find_ending(conn, user, session)? else {
        return Ok(true);
    };
    let is_ordinary = reason.is_some_and(|reason| ORDINARY_REASONS.contains(&reason.as_str()));
    if ended_at.is_some() && !is_ordinary {
        return Ok(true);
    }
    let live = account_state::find_record(conn, user)?.map(|account| account.passkeys);
    let live = live.unwrap_or_default();
    Ok(!passkeys.0.iter().all(|passkey| live.contains(passkey)))
}
