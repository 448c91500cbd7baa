//! Ends authorizations: one, those of a session, of a passkey or of a client, or all of a user.
//!
//! Each function runs in the transaction that causes the end. The caller must hold the lock of the user's account state and bump
//! its version. Clients that had tokens for an ended session are notified by back-channel logout: the notifications are enqueued
//! in the outbox in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::queries::rows::RetainedAuthorization;
use super::queries::{self, Selector};
use crate::base::clock::Timestamp;
use crate::base::ids::{AuthorizationId, ClientId, PasskeyId, SessionId, UserId};
use crate::clients;
use crate::db::{self, Connection};
use crate::outbox::{self, NewWork};

/// Kind of the outbox work that notifies a client of an ended session.
pub const LOGOUT: &str = "backchannel_logout";

/// Payload of a logout notification: a session of this user has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndedSession {
    pub client: ClientId,
    /// ID of the user whose session it is.
    pub user: UserId,
    /// The session ID (`sid`) that the client got.
    pub sid: SessionId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The user signed out. Offline access stays (OpenID Connect Back-Channel Logout §2.7).
    SignedOut,
    /// The session was revoked. All its authorizations end.
    Revoked,
}

/// Ends the authorizations of a session, and notifies their clients once. Safe to repeat.
pub fn end_session(
    conn: &mut Connection,
    session: SessionId,
    how: SessionEnd,
    now: Timestamp,
) -> db::Result<()> {
    let all = queries::list_retained(conn, &Selector::Session(session), now)?;
    notify_clients(conn, &all, now)?;
    let ends = |one: &&RetainedAuthorization| how == SessionEnd::Revoked || !one.offline;
    let ended: Vec<_> = all.iter().filter(ends).map(|one| one.id).collect();
    let reason = match how {
        SessionEnd::SignedOut => queries::SESSION_ENDED,
        SessionEnd::Revoked => "session-revoked",
    };
    queries::revoke(conn, &ended, now, reason)?;
    Ok(())
}

/// Ends all authorizations of a user that depend on a passkey.
pub fn end_depending_on(
    conn: &mut Connection,
    user: UserId,
    passkey: PasskeyId,
    now: Timestamp,
) -> db::Result<()> {
    let mut resting = queries::list_retained(conn, &Selector::User(user), now)?;
    resting.retain(|one| one.passkeys.0.contains(&passkey));
    end(conn, &resting, now, "passkey-revoked").map(drop)
}

/// Ends all authorizations of a user.
pub fn end_all_of_user(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
    reason: &str,
) -> db::Result<()> {
    let all = queries::list_retained(conn, &Selector::User(user), now)?;
    end(conn, &all, now, reason).map(drop)
}

/// Ends all authorizations of a user except those of the session `kept`, which it moves to the user's new session epoch.
pub fn end_others(
    conn: &mut Connection,
    user: UserId,
    kept: SessionId,
    epoch: i64,
    now: Timestamp,
) -> db::Result<()> {
    let mut others = queries::list_retained(conn, &Selector::User(user), now)?;
    others.retain(|one| one.session != kept);
    end(conn, &others, now, "ended-others")?;
    queries::update_epoch(conn, kept, epoch)
}

/// Ends all authorizations of a user for one client. Returns how many were not revoked before.
pub fn end_client(
    conn: &mut Connection,
    user: UserId,
    client: ClientId,
    now: Timestamp,
) -> db::Result<usize> {
    let all = queries::list_retained(conn, &Selector::User(user), now)?;
    let its = all.iter().filter(|one| one.client == client);
    let its: Vec<_> = its.map(|one| one.id).collect();
    queries::revoke(conn, &its, now, "consent-withdrawn")
}

/// Withdraws one authorization; returns `false` if it was withdrawn before. One that had ended in the ordinary way counts as
/// withdrawn from now on, so links that were created under it stop working.
pub fn end_one(
    conn: &mut Connection,
    id: AuthorizationId,
    now: Timestamp,
    reason: &str,
) -> db::Result<bool> {
    Ok(queries::revoke(conn, &[id], now, reason)? == 1
        || queries::mark_withdrawn(conn, id, reason)?)
}

/// Ends these authorizations, and notifies their clients that the sessions have ended.
pub(super) fn end(
    conn: &mut Connection,
    authorizations: &[RetainedAuthorization],
    now: Timestamp,
    reason: &str,
) -> db::Result<usize> {
    notify_clients(conn, authorizations, now)?;
    let ids: Vec<_> = authorizations.iter().map(|one| one.id).collect();
    queries::revoke(conn, &ids, now, reason)
}

/// Enqueues one notification for each session and client, if the client wants it and none was enqueued before.
fn notify_clients(
    conn: &mut Connection,
    authorizations: &[RetainedAuthorization],
    now: Timestamp,
) -> db::Result<()> {
    let untold = authorizations
        .iter()
        .filter(|one| one.notified_at.is_none());
    let untold: Vec<&RetainedAuthorization> = untold.collect();
    let sessions: BTreeSet<(ClientId, SessionId, UserId)> = untold
        .iter()
        .map(|one| (one.client, one.sid, one.user))
        .collect();
    let mut wants: BTreeMap<ClientId, bool> = BTreeMap::new();
    for (client, sid, user) in sessions {
        let is_wanted = match wants.get(&client) {
            Some(is_wanted) => *is_wanted,
            None => clients::wants_logout(conn, client)?,
        };
        wants.insert(client, is_wanted);
        if !is_wanted {
            continue;
        }
        let work = NewWork {
            kind: LOGOUT,
            queue: client.to_string(),
            payload: json!(EndedSession { client, user, sid }),
        };
        outbox::enqueue(conn, now, work)?;
    }
    let ids: Vec<_> = untold.iter().map(|one| one.id).collect();
    queries::mark_notified(conn, &ids, now)
}
