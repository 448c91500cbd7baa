//! Cap on the number of a user's open sessions.

use std::collections::HashMap;

use serde_json::json;

use super::end::EndError;
use super::key::{LastSeen, last_seen_key};
use super::live::LiveSession;
use super::queries::{EXPIRED, End, OpenSession, TOO_MANY_OPEN};
use super::{Sessions, queries};
use crate::account_state::{self, ChangePending, Unavailable};
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Event};
use crate::tokens::{SessionEnd, revoke};

/// Maximum number of open sessions of one user.
pub(super) const MAX_OPEN: i64 = 200;

impl Sessions {
    /// Ends the user's sessions beyond the cap, least recently used first, but never `opened`. Expired sessions don't count
    /// towards the cap; their rows are closed. Offline access that the user granted to apps is kept.
    pub(super) async fn enforce_cap(&self, opened: &LiveSession) -> Result<(), EndError> {
        let (user, kept, now) = (opened.user, opened.id, self.clock.now());
        let last_seen = self.last_seen_of_open(opened).await?;
        let (database, sessions) = (self.database.clone(), self.clone());
        let known = last_seen.clone();
        let ended = self
            .database
            .write(move |conn| {
                account_state::lock(conn, user)?;
                let at = database.now(conn)?;
                let rows = opened_rows(conn, user, now)?;
                let mut open = sessions.close_expired(conn, (user, rows), &known, now)?;
                open.retain(|(_, session)| session.id != kept);
                // Most recently used first.
                open.sort_by_key(|(used_at, session)| (std::cmp::Reverse(*used_at), session.id));
                let room = usize::try_from(MAX_OPEN.saturating_sub(1)).unwrap_or_default();
                let beyond: Vec<SessionId> = open
                    .iter()
                    .skip(room)
                    .map(|(_, session)| session.id)
                    .collect();
                for session in &beyond {
                    sessions.end_beyond_cap(conn, (user, *session), at)?;
                }
                if !beyond.is_empty() {
                    account_state::bump_version(conn, user, at)?;
                }
                Ok::<_, EndError>(beyond)
            })
            .await?;
        if ended.is_empty() {
            return Ok(());
        }
        self.account_states.publish(user).await?;
        for session in ended {
            // Best effort: the account state refuses the session already.
            if let Some(last_seen) = last_seen.get(&session) {
                self.ephemeral.remove(&last_seen.live_copy).await.ok();
            }
            self.delete_last_seen(user, session).await;
        }
        Ok(())
    }

    async fn last_seen_of_open(
        &self,
        opened: &LiveSession,
    ) -> Result<HashMap<SessionId, LastSeen>, EndError> {
        let (user, now) = (opened.user, self.clock.now());
        let rows = self
            .database
            .read(move |conn| opened_rows(conn, user, now))
            .await?;
        let keys: Vec<String> = rows.iter().map(|row| last_seen_key(user, row.id)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let last_seen = self.ephemeral.get(&keys).await;
        let last_seen = last_seen.map_err(|away| ChangePending(Unavailable::from(away)))?;
        let last_seen = rows.into_iter().zip(last_seen);
        Ok(last_seen
            .filter_map(|(row, last_seen)| Some((row.id, LastSeen::parse(&last_seen?)?)))
            .collect())
    }

    /// Ends the rows of expired sessions. Returns the other sessions, each with the time of its last use.
    fn close_expired(
        &self,
        conn: &mut Connection,
        (user, rows): (UserId, Vec<OpenSession>),
        last_seen: &HashMap<SessionId, LastSeen>,
        now: Timestamp,
    ) -> db::Result<Vec<(Timestamp, OpenSession)>> {
        let mut open = Vec::new();
        for row in rows {
            let used_at = last_seen
                .get(&row.id)
                .map_or(row.auth_time, |last_seen| last_seen.at.max(row.auth_time));
            let expires_at = used_at.after(self.idle_timeout);
            if expires_at > now {
                open.push((used_at, row));
                continue;
            }
            // Its live copy has expired too, so the account state need not list it as ended.
            let end = End {
                at: expires_at,
                reason: EXPIRED,
                listed_until: None,
            };
            queries::end(conn, user, row.id, end)?;
        }
        Ok(open)
    }

    fn end_beyond_cap(
        &self,
        conn: &mut Connection,
        (user, session): (UserId, SessionId),
        now: Timestamp,
    ) -> db::Result<()> {
        let end = End {
            at: now,
            reason: TOO_MANY_OPEN,
            listed_until: Some(self.listed_until(now)),
        };
        if !queries::end(conn, user, session, end)? {
            return Ok(());
        }
        revoke::end_session(conn, session, SessionEnd::SignedOut, now)?;
        let author = Author::command().acting_as(Actor::Doorward);
        let event = Event::done("session.ended")
            .subject(user)
            .with_reason(Some(TOO_MANY_OPEN))
            .details(json!({ "session": session }));
        history::record(conn, now, &author, event)
    }
}

fn opened_rows(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
) -> db::Result<Vec<OpenSession>> {
    let epoch = account_state::find_epoch(conn, user)?.unwrap_or_default();
    queries::list_open(conn, user, epoch, now)
}
