//! The cap on a user's live authorizations for one client.

use serde_json::json;

use super::authorization::NewAuthorization;
use super::queries::rows::RetainedAuthorization;
use super::queries::{self, LivenessLimits, TOO_MANY};
use super::revoke;
use crate::account_state;
use crate::base::clock::Timestamp;
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Event};

const MAX_LIVE: usize = 100;

/// Ends the least recently used authorizations of the grant's user and client if there are too many live ones to add another.
/// Expired ones don't count. Returns how many it ended.
///
/// The client is notified of a session's end only if it has no other authorization of that session. The caller must hold the lock
/// of the user's account state, and publish it if any authorization ended. `now` is the database's time.
pub fn enforce_cap(
    conn: &mut Connection,
    grant: &NewAuthorization,
    now: Timestamp,
    limits: &LivenessLimits,
) -> db::Result<usize> {
    let mut live = queries::list_live(conn, grant, limits)?;
    if live.len() < MAX_LIVE {
        return Ok(0);
    }
    // Most recently used first.
    live.sort_by_key(|(used_at, one)| (std::cmp::Reverse(*used_at), one.id));
    let beyond = live.split_off(MAX_LIVE.saturating_sub(1));
    let beyond: Vec<RetainedAuthorization> = beyond.into_iter().map(|(_, one)| one).collect();
    account_state::bump_version(conn, grant.user, now)?;
    let goes_on = |one: &RetainedAuthorization| {
        one.session == grant.session
            || live
                .iter()
                .any(|(_, other)| other.sid == one.sid || other.session == one.session)
    };
    let (silent, told): (Vec<RetainedAuthorization>, Vec<RetainedAuthorization>) =
        beyond.iter().cloned().partition(goes_on);
    let silent: Vec<_> = silent.iter().map(|one| one.id).collect();
    queries::revoke(conn, &silent, now, TOO_MANY)?;
    revoke::end(conn, &told, now, TOO_MANY)?;
    let author = Author::command().acting_as(Actor::Doorward);
    for one in &beyond {
        let event = Event::done("authorization.ended")
            .subject(one.user)
            .client(one.client)
            .with_reason(Some(TOO_MANY))
            .details(json!({ "authorization": one.id }));
        history::record(conn, now, &author, event)?;
    }
    Ok(beyond.len())
}
