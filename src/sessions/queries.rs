//! SQL queries on `sessions` and `used_tokens`.

use diesel::prelude::*;

use super::live::LiveSession;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::base::secrets::TokenHash;
use crate::db::schema::{sessions, used_tokens};
use crate::db::{Connection, Json, Result};

/// End reason: the session was revoked.
pub(super) const REVOKED: &str = "ended";

/// End reason: the user signed in again in the same browser.
pub(super) const REPLACED: &str = "replaced";

/// End reason: the user signed out.
pub(super) const SIGNED_OUT: &str = "signed-out";

/// End reason: the user had more open sessions than the cap allows.
pub(super) const TOO_MANY_OPEN: &str = "too-many-open";

/// End reason: the session reached the idle timeout.
pub(super) const EXPIRED: &str = "expired";

/// Row of a session that has not ended.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct OpenSession {
    pub(super) id: SessionId,
    pub(super) passkeys: Json<Vec<PasskeyId>>,
    pub(super) epoch: i64,
    pub(super) auth_time: Timestamp,
    pub(super) acr: String,
    pub(super) amr: Json<Vec<String>>,
    pub(super) address: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) absolute_end: Timestamp,
}

/// Condition: a session of the user and this epoch has neither ended nor expired.
#[diesel::dsl::auto_type]
fn is_open_at(user: UserId, epoch: i64, now: Timestamp) -> _ {
    sessions::user_id
        .eq(user)
        .and(sessions::absolute_end.gt(now))
        .and(sessions::ended_at.is_null())
        .and(sessions::epoch.eq(epoch))
}

pub(super) fn insert(
    conn: &mut Connection,
    session: &LiveSession,
    address: Option<&str>,
    user_agent: Option<&str>,
) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session.id),
            sessions::user_id.eq(session.user),
            sessions::passkeys.eq(Json(session.passkeys.clone())),
            sessions::epoch.eq(session.epoch),
            sessions::auth_time.eq(session.auth_time),
            sessions::acr.eq(&session.acr),
            sessions::amr.eq(Json(session.amr.clone())),
            sessions::address.eq(address),
            sessions::user_agent.eq(user_agent),
            sessions::created_at.eq(session.created_at),
            sessions::absolute_end.eq(session.absolute_end),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes a changed session (step-up, or move to a new epoch) if its row is still the one that was read. Returns `false` if the
/// session has ended or was stepped up in the meantime.
pub(super) fn update_stepped_up(
    conn: &mut Connection,
    session: &LiveSession,
    read: &LiveSession,
) -> Result<bool> {
    let updated = diesel::update(sessions::table.find(session.id))
        .filter(sessions::user_id.eq(session.user))
        .filter(sessions::auth_time.eq(read.auth_time))
        .filter(sessions::ended_at.is_null())
        .set((
            sessions::passkeys.eq(Json(session.passkeys.clone())),
            sessions::epoch.eq(session.epoch),
            sessions::auth_time.eq(session.auth_time),
            sessions::acr.eq(&session.acr),
            sessions::amr.eq(Json(session.amr.clone())),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Lists the user's sessions of this epoch that have not ended, newest first.
pub(super) fn list_open(
    conn: &mut Connection,
    user: UserId,
    epoch: i64,
    now: Timestamp,
) -> Result<Vec<OpenSession>> {
    Ok(sessions::table
        .filter(is_open_at(user, epoch, now))
        .order((sessions::created_at.desc(), sessions::id))
        .select(OpenSession::as_select())
        .load(conn)?)
}

/// Returns when each of the users last signed in. Users who never signed in are left out.
pub(super) fn list_last_sign_ins(
    conn: &mut Connection,
    users: &[UserId],
) -> Result<Vec<(UserId, Option<Timestamp>)>> {
    Ok(sessions::table
        .filter(sessions::user_id.eq_any(users.to_vec()))
        .group_by(sessions::user_id)
        .select((sessions::user_id, diesel::dsl::max(sessions::created_at)))
        .load(conn)?)
}

/// Finds a user's open session by its public ID.
pub(super) fn find_open(
    conn: &mut Connection,
    user: UserId,
    session: SessionId,
) -> Result<Option<OpenSession>> {
    Ok(sessions::table
        .find(session)
        .filter(sessions::user_id.eq(user))
        .filter(sessions::ended_at.is_null())
        .select(OpenSession::as_select())
        .first(conn)
        .optional()?)
}

pub fn has_ever_signed_in(conn: &mut Connection, user: UserId) -> Result<bool> {
    let query = sessions::table
        .filter(sessions::user_id.eq(user))
        .select(sessions::id)
        .limit(1);
    Ok(query.first::<SessionId>(conn).optional()?.is_some())
}

/// Returns whether the user has or had this session.
pub(super) fn exists(conn: &mut Connection, user: UserId, session: SessionId) -> Result<bool> {
    let query = sessions::table
        .find(session)
        .filter(sessions::user_id.eq(user))
        .select(sessions::id);
    Ok(query.first::<SessionId>(conn).optional()?.is_some())
}

#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    pub(super) at: Timestamp,
    pub(super) reason: &'a str,
    /// Until when the account state lists the session as ended; `None` if the account state refuses it for another reason.
    pub(super) listed_until: Option<Timestamp>,
}

/// Ends a session. Returns `false` if it had ended before.
pub(super) fn end(
    conn: &mut Connection,
    user: UserId,
    session: SessionId,
    end: End<'_>,
) -> Result<bool> {
    let ended = diesel::update(sessions::table.find(session))
        .filter(sessions::user_id.eq(user))
        .filter(sessions::ended_at.is_null())
        .set((
            sessions::ended_at.eq(end.at),
            sessions::end_reason.eq(end.reason),
            sessions::listed_until.eq(end.listed_until),
        ))
        .execute(conn)?;
    Ok(ended == 1)
}

/// Sets the end reason of a session that had ended before to [`REVOKED`].
pub(super) fn mark_revoked(conn: &mut Connection, user: UserId, session: SessionId) -> Result<()> {
    diesel::update(sessions::table.find(session))
        .filter(sessions::user_id.eq(user))
        .filter(sessions::ended_at.is_not_null())
        .set(sessions::end_reason.eq(REVOKED))
        .execute(conn)?;
    Ok(())
}

/// Passkeys that a session depends on, the time when it ended and the end reason, if it has ended.
pub(super) type Ending = (Json<Vec<PasskeyId>>, Option<Timestamp>, Option<String>);

/// Returns the passkeys of a session, and when and why it ended.
pub(super) fn find_ending(
    conn: &mut Connection,
    user: UserId,
    session: SessionId,
) -> Result<Option<Ending>> {
    Ok(sessions::table
        .find(session)
        .filter(sessions::user_id.eq(user))
        .select((sessions::passkeys, sessions::ended_at, sessions::end_reason))
        .first(conn)
        .optional()?)
}

/// Makes the account state list an open session until `until`, because its key was replaced.
pub(super) fn list_until(
    conn: &mut Connection,
    session: SessionId,
    until: Timestamp,
) -> Result<()> {
    diesel::update(sessions::table.find(session))
        .set(sessions::listed_until.eq(until))
        .execute(conn)?;
    Ok(())
}

/// Returns whether a session has not ended and, if `auth_time` is given, was not stepped up after it.
pub(super) fn is_current(
    conn: &mut Connection,
    session: SessionId,
    auth_time: Option<Timestamp>,
) -> Result<bool> {
    let latest = sessions::table
        .find(session)
        .filter(sessions::ended_at.is_null())
        .select(sessions::auth_time)
        .first::<Timestamp>(conn)
        .optional()?;
    Ok(latest.is_some_and(|latest| auth_time.is_none_or(|shown| latest <= shown)))
}

/// Returns whether a session has not ended.
pub fn is_open(conn: &mut Connection, session: SessionId) -> Result<bool> {
    is_current(conn, session, None)
}

/// Ends all open sessions of an epoch in one statement. Returns how many were ended.
pub(super) fn end_epoch(
    conn: &mut Connection,
    user: UserId,
    epoch: i64,
    now: Timestamp,
    reason: &str,
) -> Result<usize> {
    Ok(diesel::update(sessions::table)
        .filter(is_open_at(user, epoch, now))
        .set((sessions::ended_at.eq(now), sessions::end_reason.eq(reason)))
        .execute(conn)?)
}

/// Counts the sessions of an epoch that have not ended.
pub(super) fn count_open(
    conn: &mut Connection,
    user: UserId,
    epoch: i64,
    now: Timestamp,
) -> Result<i64> {
    Ok(sessions::table
        .filter(is_open_at(user, epoch, now))
        .count()
        .get_result(conn)?)
}

/// Records a one-time token as used. `Taken` if it was used before.
pub(super) fn insert_used(
    conn: &mut Connection,
    token: TokenHash,
    expires_at: Timestamp,
) -> Result<()> {
    diesel::insert_into(used_tokens::table)
        .values((
            used_tokens::token_hash.eq(token.as_bytes().to_vec()),
            used_tokens::expires_at.eq(expires_at),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn is_used(conn: &mut Connection, token: TokenHash) -> Result<bool> {
    let found = used_tokens::table.find(token.as_bytes().to_vec());
    let found = found.select(used_tokens::expires_at);
    Ok(found.first::<Timestamp>(conn).optional()?.is_some())
}

/// Deletes the records of tokens that expired before `before`. Returns how many were deleted.
pub(super) fn delete_used(conn: &mut Connection, before: Timestamp) -> Result<usize> {
    Ok(diesel::delete(used_tokens::table)
        .filter(used_tokens::expires_at.lt(before))
        .execute(conn)?)
}
