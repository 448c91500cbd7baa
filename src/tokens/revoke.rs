//! Authorizations end: one, those of a session, of a passkey, of a client, or all of a person.
//!
//! Each of these is called in the transaction of what ends them, by whoever holds the person's standing and raises it. The
//! clients that a session had tokens for are told by back-channel logout: the facts go into the outbox in the same
//! transaction.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::queries::rows::Authorization;
use super::queries::{self, Which};
use crate::base::clock::Timestamp;
use crate::base::ids::{AuthorizationId, ClientId, PasskeyId, SessionId, UserId};
use crate::clients;
use crate::db::{self, Connection};
use crate::outbox::{self, NewWork};

/// The kind of work in the outbox that tells a client of an ended session.
pub const LOGOUT: &str = "backchannel_logout";

/// What a client is told: this person's session is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndedSession {
    /// Whom to tell.
    pub client: ClientId,
    /// Whose session.
    pub user: UserId,
    /// Which, by the id that the client was told.
    pub sid: SessionId,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The person left: what they let apps do in their absence stays (OpenID Connect Back-Channel Logout §2.7).
    SignedOut,
    /// Somebody cut it off: everything that it gave ends.
    Revoked,
}

/// Tells the clients that had something of a session that it is over: once, when it ends.
///
/// # Errors
/// When the database is away.
pub fn tell_session(conn: &mut Connection, session: SessionId, now: Timestamp) -> db::Result<()> {
    let all = queries::list_kept(conn, &Which::Session(session), now)?;
    tell_clients(conn, &all, now)
}

/// Ends what a session gave. Safe to repeat.
///
/// # Errors
/// When the database is away.
pub fn end_session(
    conn: &mut Connection,
    session: SessionId,
    how: SessionEnd,
    now: Timestamp,
) -> db::Result<()> {
    let all = queries::list_kept(conn, &Which::Session(session), now)?;
    let ends = |one: &Authorization| how == SessionEnd::Revoked || !one.offline;
    let ended: Vec<_> = all.iter().filter(|one| ends(one)).collect();
    revoke_all(conn, &ended, now, "session-ended")
}

/// Ends whatever rests on a passkey.
///
/// # Errors
/// When the database is away.
pub fn end_resting_on(
    conn: &mut Connection,
    user: UserId,
    passkey: PasskeyId,
    now: Timestamp,
) -> db::Result<()> {
    let all = queries::list_kept(conn, &Which::Person(user), now)?;
    let resting: Vec<_> = all
        .into_iter()
        .filter(|one| one.passkeys.0.contains(&passkey))
        .collect();
    tell_clients(conn, &resting, now)?;
    revoke_all(
        conn,
        &resting.iter().collect::<Vec<_>>(),
        now,
        "passkey-revoked",
    )
}

/// Ends whatever a person let anybody have.
///
/// # Errors
/// When the database is away.
pub fn end_every(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
    reason: &str,
) -> db::Result<()> {
    let all = queries::list_kept(conn, &Which::Person(user), now)?;
    tell_clients(conn, &all, now)?;
    revoke_all(conn, &all.iter().collect::<Vec<_>>(), now, reason)
}

/// As [`end_every`], but what the session `kept` gave moves on to the person's new epoch with it.
///
/// # Errors
/// When the database is away.
pub fn end_others(
    conn: &mut Connection,
    user: UserId,
    kept: SessionId,
    epoch: i64,
    now: Timestamp,
) -> db::Result<()> {
    let all = queries::list_kept(conn, &Which::Person(user), now)?;
    let others: Vec<_> = all.into_iter().filter(|one| one.session != kept).collect();
    tell_clients(conn, &others, now)?;
    revoke_all(
        conn,
        &others.iter().collect::<Vec<_>>(),
        now,
        "ended-others",
    )?;
    queries::update_epoch(conn, kept, epoch)
}

/// Ends whatever a person let one client have; how many authorizations were live.
///
/// # Errors
/// When the database is away.
pub fn end_client(
    conn: &mut Connection,
    user: UserId,
    client: ClientId,
    now: Timestamp,
) -> db::Result<usize> {
    let all = queries::list_kept(conn, &Which::Person(user), now)?;
    let its: Vec<_> = all.iter().filter(|one| one.client == client).collect();
    revoke_all(conn, &its, now, "consent-withdrawn")?;
    Ok(its.iter().filter(|one| one.revoked_at.is_none()).count())
}

/// Ends one; `false` when it had ended before.
///
/// # Errors
/// When the database is away.
pub fn end_one(
    conn: &mut Connection,
    id: AuthorizationId,
    now: Timestamp,
    reason: &str,
) -> db::Result<bool> {
    queries::revoke(conn, id, now, reason)
}

/// What a session gave hangs on another from now on: the same person signed in anew in the same browser.
///
/// # Errors
/// When the database is away.
pub fn move_session(conn: &mut Connection, from: SessionId, to: SessionId) -> db::Result<()> {
    queries::move_session(conn, from, to)
}

fn revoke_all(
    conn: &mut Connection,
    authorizations: &[&Authorization],
    now: Timestamp,
    reason: &str,
) -> db::Result<()> {
    for authorization in authorizations {
        if authorization.revoked_at.is_none() {
            queries::revoke(conn, authorization.id, now, reason)?;
        }
    }
    Ok(())
}

/// One piece of work for each session and client that wants to know.
fn tell_clients(
    conn: &mut Connection,
    authorizations: &[Authorization],
    now: Timestamp,
) -> db::Result<()> {
    let sessions: BTreeSet<(ClientId, SessionId, UserId)> = authorizations
        .iter()
        .map(|one| (one.client, one.sid, one.user))
        .collect();
    for (client, sid, user) in sessions {
        if !clients::wants_logout(conn, client)? {
            continue;
        }
        let work = NewWork {
            kind: LOGOUT,
            queue: client.to_string(),
            payload: json!(EndedSession { client, user, sid }),
        };
        outbox::enqueue(conn, now, work)?;
    }
    Ok(())
}
