//! SQL of `authorizations`.

pub mod families;
pub(super) mod rows;

use diesel::prelude::*;

use self::rows::{Authorization, RetainedAuthorization, to_scopes};
use super::LiveAuthorization;
use super::authorization::NewAuthorization;
use super::consumed::ConsumedGrant;
use crate::base::clock::Timestamp;
use crate::base::ids::{AuthorizationId, ClientId, SessionId, UserId};
use crate::base::secrets::TokenHash;
use crate::clients::Scope;
use crate::db::schema::{authorizations, refresh_families};
use crate::db::{Connection, Json, Result};

/// Reason of authorizations that ended because the user signed out.
pub(super) const SESSION_ENDED: &str = "session-ended";

/// Reason of authorizations that ended because the user exceeded the cap.
pub(super) const TOO_MANY: &str = "too-many-authorizations";

/// Returns whether an authorization that ended for this reason ended in the ordinary way, that is, was not withdrawn.
pub(super) fn is_ordinary(reason: Option<&str>) -> bool {
    [Some(SESSION_ENDED), Some(TOO_MANY)].contains(&reason)
}

/// When an authorization begins, when its code expires, and until when it is stored.
pub(super) struct Times {
    pub(super) now: Timestamp,
    pub(super) code_expires_at: Timestamp,
    pub(super) retain_until: Timestamp,
}

pub(super) fn insert(
    conn: &mut Connection,
    id: AuthorizationId,
    grant: &NewAuthorization,
    code: &TokenHash,
    times: &Times,
) -> Result<()> {
    let scopes: Vec<String> = grant.scopes.names().map(str::to_owned).collect();
    diesel::insert_into(authorizations::table)
        .values((
            authorizations::id.eq(id),
            authorizations::user_id.eq(grant.user),
            authorizations::client_id.eq(grant.client),
            authorizations::session_id.eq(grant.session),
            authorizations::sid.eq(grant.session),
            authorizations::epoch.eq(grant.epoch),
            authorizations::client_epoch.eq(grant.client_epoch),
            authorizations::passkeys.eq(Json(grant.passkeys.clone())),
            authorizations::scopes.eq(Json(scopes)),
            authorizations::resources.eq(Json(grant.resources.clone())),
            authorizations::claims.eq(Json(grant.claims.clone())),
            authorizations::offline.eq(grant.scopes.contains(Scope::OfflineAccess)),
            authorizations::nonce.eq(&grant.nonce),
            authorizations::auth_time.eq(grant.auth_time),
            authorizations::acr.eq(&grant.acr),
            authorizations::amr.eq(Json(grant.amr.clone())),
            authorizations::redirect_uri.eq(&grant.redirect_uri),
            authorizations::code_hash.eq(code.as_bytes().to_vec()),
            authorizations::code_challenge.eq(&grant.code_challenge),
            authorizations::code_expires_at.eq(times.code_expires_at),
            authorizations::created_at.eq(times.now),
            authorizations::session_end.eq(grant.session_end),
            authorizations::retain_until.eq(times.retain_until),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn find(conn: &mut Connection, id: AuthorizationId) -> Result<Option<Authorization>> {
    let row = authorizations::table.find(id);
    let row = row.select(Authorization::as_select()).first(conn);
    Ok(row.optional()?)
}

/// Returns the authorization that a code belongs to, used or not; `None` if the code is unknown or the authorization was deleted.
pub fn find_by_code(conn: &mut Connection, code: &TokenHash) -> Result<Option<Authorization>> {
    Ok(authorizations::table
        .filter(authorizations::code_hash.eq(code.as_bytes().to_vec()))
        .select(Authorization::as_select())
        .first(conn)
        .optional()?)
}

/// Redeems an authorization code; returns `None` if it was redeemed before. The code is single-use by compare-and-set: of any
/// number of concurrent callers exactly one succeeds. From now on the authorization is stored until `retain_until`.
pub fn redeem_code(
    conn: &mut Connection,
    id: AuthorizationId,
    now: Timestamp,
    retain_until: Timestamp,
) -> Result<Option<ConsumedGrant>> {
    let used = diesel::update(authorizations::table.find(id))
        .filter(authorizations::code_used_at.is_null())
        .set((
            authorizations::code_used_at.eq(now),
            authorizations::retain_until.eq(retain_until),
        ))
        .execute(conn)?;
    if used == 0 {
        return Ok(None);
    }
    Ok(find(conn, id)?.map(ConsumedGrant::new))
}

/// Selects authorizations by session or by user.
pub(super) enum Selector {
    Session(SessionId),
    User(UserId),
}

/// Returns the selected authorizations that are still stored, revoked ones included.
pub(super) fn list_retained(
    conn: &mut Connection,
    which: &Selector,
    now: Timestamp,
) -> Result<Vec<RetainedAuthorization>> {
    let query = authorizations::table
        .filter(authorizations::retain_until.gt(now))
        .select(RetainedAuthorization::as_select())
        .into_boxed();
    let query = match which {
        Selector::Session(session) => query.filter(authorizations::session_id.eq(*session)),
        Selector::User(user) => query.filter(authorizations::user_id.eq(*user)),
    };
    Ok(query.load(conn)?)
}

/// The limits that separate live authorizations from expired ones, by the application's clock.
#[derive(Clone, Copy, Debug)]
pub struct LivenessLimits {
    pub now: Timestamp,
    /// Access tokens that were issued after this have not expired.
    pub tokens_issued_after: Timestamp,
    /// Offline access that was last used after this is live.
    pub offline_used_after: Timestamp,
    /// Other refresh tokens that were last used after this are live.
    pub session_used_after: Timestamp,
}

/// Returns the live authorizations of the grant's user and client, and when each was last used.
pub(super) fn list_live(
    conn: &mut Connection,
    grant: &NewAuthorization,
    alive: &LivenessLimits,
) -> Result<Vec<(Timestamp, RetainedAuthorization)>> {
    use refresh_families::{expires_at, rotated_at};
    let unused = authorizations::code_used_at
        .is_null()
        .and(authorizations::code_expires_at.gt(alive.now));
    let fresh = authorizations::code_used_at
        .gt(alive.tokens_issued_after)
        .or(rotated_at.nullable().gt(alive.tokens_issued_after));
    let idle_since = authorizations::offline
        .eq(true)
        .and(rotated_at.nullable().gt(alive.offline_used_after))
        .or(authorizations::offline
            .eq(false)
            .and(rotated_at.nullable().gt(alive.session_used_after)));
    let refreshable = expires_at.nullable().gt(alive.now).and(idle_since);
    let is_alive = unused.or(fresh).or(refreshable);
    let rows = authorizations::table
        .left_join(refresh_families::table)
        .filter(authorizations::user_id.eq(grant.user))
        .filter(authorizations::client_id.eq(grant.client))
        .filter(authorizations::revoked_at.is_null())
        .filter(authorizations::epoch.eq(grant.epoch))
        .filter(authorizations::client_epoch.eq(grant.client_epoch))
        .filter(is_alive)
        .select((
            RetainedAuthorization::as_select(),
            authorizations::created_at,
            authorizations::code_used_at,
            rotated_at.nullable(),
        ))
        .load::<(
            RetainedAuthorization,
            Timestamp,
            Option<Timestamp>,
            Option<Timestamp>,
        )>(conn)?;
    let used_at = |(one, made, redeemed, refreshed): (RetainedAuthorization, Timestamp, _, _)| {
        let last = [Some(made), redeemed, refreshed]
            .into_iter()
            .flatten()
            .max();
        (last.unwrap_or(made), one)
    };
    Ok(rows.into_iter().map(used_at).collect())
}

/// Returns whether an authorization of this session was issued under this `sid`. They differ if the session was replaced since.
pub fn has_sid(conn: &mut Connection, session: SessionId, sid: SessionId) -> Result<bool> {
    let query = authorizations::table
        .filter(authorizations::session_id.eq(session))
        .filter(authorizations::sid.eq(sid))
        .select(authorizations::id)
        .limit(1);
    Ok(query.first::<AuthorizationId>(conn).optional()?.is_some())
}

/// Returns the session that a user's client knows under this `sid`; `None` if no authorization of it is stored.
pub fn find_session_of_sid(
    conn: &mut Connection,
    (user, client): (UserId, ClientId),
    sid: SessionId,
) -> Result<Option<SessionId>> {
    Ok(authorizations::table
        .filter(authorizations::user_id.eq(user))
        .filter(authorizations::client_id.eq(client))
        .filter(authorizations::sid.eq(sid))
        .order(authorizations::created_at.desc())
        .select(authorizations::session_id)
        .first(conn)
        .optional()?)
}

/// Maximum number of IDs in one statement.
const CHUNK: usize = 500;

/// Revokes those of the authorizations that were not revoked yet. Returns how many.
pub(super) fn revoke(
    conn: &mut Connection,
    ids: &[AuthorizationId],
    now: Timestamp,
    reason: &str,
) -> Result<usize> {
    let mut revoked = 0_usize;
    for ids in ids.chunks(CHUNK) {
        let ended = diesel::update(authorizations::table)
            .filter(authorizations::id.eq_any(ids.to_vec()))
            .filter(authorizations::revoked_at.is_null())
            .set((
                authorizations::revoked_at.eq(now),
                authorizations::revoked_reason.eq(reason),
            ))
            .execute(conn)?;
        revoked = revoked.saturating_add(ended);
    }
    Ok(revoked)
}

/// Replaces the reason of an authorization that ended in the ordinary way; returns `false` if it is live or was withdrawn.
pub(super) fn mark_withdrawn(
    conn: &mut Connection,
    id: AuthorizationId,
    reason: &str,
) -> Result<bool> {
    let marked = diesel::update(authorizations::table.find(id))
        .filter(authorizations::revoked_reason.eq_any([SESSION_ENDED, TOO_MANY]))
        .set(authorizations::revoked_reason.eq(reason))
        .execute(conn)?;
    Ok(marked == 1)
}

/// Records that back-channel logout was handled for these authorizations: enqueued, or not wanted by the client.
pub(super) fn mark_notified(
    conn: &mut Connection,
    ids: &[AuthorizationId],
    now: Timestamp,
) -> Result<()> {
    for ids in ids.chunks(CHUNK) {
        diesel::update(authorizations::table)
            .filter(authorizations::id.eq_any(ids.to_vec()))
            .set(authorizations::notified_at.eq(now))
            .execute(conn)?;
    }
    Ok(())
}

/// Returns whether an authorization was revoked. One that is no longer stored counts as revoked.
pub(super) fn is_revoked(conn: &mut Connection, id: AuthorizationId) -> Result<bool> {
    let revoked_at = authorizations::table
        .find(id)
        .select(authorizations::revoked_at)
        .first::<Option<Timestamp>>(conn)
        .optional()?;
    Ok(revoked_at.is_none_or(|at| at.is_some()))
}

pub(super) fn update_epoch(conn: &mut Connection, session: SessionId, epoch: i64) -> Result<()> {
    diesel::update(authorizations::table)
        .filter(authorizations::session_id.eq(session))
        .filter(authorizations::revoked_at.is_null())
        .set(authorizations::epoch.eq(epoch))
        .execute(conn)?;
    Ok(())
}

/// Moves a session's authorizations to the session that replaces it: the same user signed in again in the same browser.
pub fn move_session(conn: &mut Connection, from: SessionId, to: SessionId) -> Result<()> {
    diesel::update(authorizations::table)
        .filter(authorizations::session_id.eq(from))
        .set(authorizations::session_id.eq(to))
        .execute(conn)?;
    Ok(())
}

/// Returns the user's live authorizations, oldest first.
pub fn list_live_of(
    conn: &mut Connection,
    user: UserId,
    epoch: i64,
    now: Timestamp,
) -> Result<Vec<LiveAuthorization>> {
    let rows = authorizations::table
        .filter(authorizations::user_id.eq(user))
        .filter(authorizations::revoked_at.is_null())
        .filter(authorizations::epoch.eq(epoch))
        .filter(authorizations::retain_until.gt(now))
        .filter(authorizations::code_used_at.is_not_null())
        .order(authorizations::created_at)
        .select((
            authorizations::client_id,
            authorizations::scopes,
            authorizations::created_at,
        ))
        .load::<(ClientId, Json<Vec<String>>, Timestamp)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(client, scopes, at)| (client, to_scopes(&scopes.0), at))
        .collect())
}

/// Returns whether an authorization was withdrawn: by its user, by its client, with a passkey, or because of misuse. One that
/// expired, ended when its user signed out or exceeded the cap, or is no longer stored was not withdrawn.
pub fn was_withdrawn(conn: &mut Connection, id: AuthorizationId) -> Result<bool> {
    let row = authorizations::table
        .find(id)
        .select((authorizations::revoked_at, authorizations::revoked_reason))
        .first::<(Option<Timestamp>, Option<String>)>(conn)
        .optional()?;
    let (revoked_at, reason) = row.unwrap_or_default();
    Ok(revoked_at.is_some() && !is_ordinary(reason.as_deref()))
}

/// Deletes authorizations whose `retain_until` is before `before`, except those withdrawn since `withdrawn_before`. Returns how many.
pub(super) fn delete_ended(
    conn: &mut Connection,
    before: Timestamp,
    withdrawn_before: Timestamp,
) -> Result<usize> {
    let is_forgotten = authorizations::revoked_at
        .is_null()
        .or(authorizations::revoked_at.lt(withdrawn_before))
        .or(authorizations::revoked_reason.eq_any([SESSION_ENDED, TOO_MANY]));
    Ok(diesel::delete(authorizations::table)
        .filter(authorizations::retain_until.lt(before))
        .filter(is_forgotten)
        .execute(conn)?)
}
