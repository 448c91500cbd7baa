//! A verified ceremony makes a session, or raises the one that there is.

use super::cap::MOST_OPEN;
use super::end::EndError;
use super::key::{Seen, SessionKey, seen_key};
use super::live::LiveSession;
use super::verified::VerifiedCeremony;
use super::{Sessions, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::Author;
use crate::standing;

/// A session that is written in the database and not yet open.
#[derive(Debug)]
pub struct Begun {
    /// What the cookie will hold.
    pub key: SessionKey,
    /// What will be stored.
    pub live: LiveSession,
    /// What is to do about the user's other sessions and keys once it is open.
    pub(super) follow_up: FollowUp,
}

/// What must be done after a session was opened or stepped up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    /// Nothing.
    None,
    /// The user may have more open sessions than the cap allows.
    EnforceCap,
    /// The account's record changed: it refuses the key that was replaced.
    PublishRecord,
}

/// Why a session could not be raised.
#[derive(Debug, thiserror::Error)]
pub enum RaiseError {
    /// It ended meanwhile.
    #[error("the session has ended")]
    Over,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Writes a new session in the transaction of its ceremony. The caller holds the person's standing, found them active, and tells
/// their epoch.
pub fn begin(
    conn: &mut Connection,
    sessions: &Sessions,
    ceremony: &VerifiedCeremony,
    epoch: i64,
    author: &Author,
) -> db::Result<Begun> {
    let user = ceremony.user();
    let now = ceremony.at();
    // When sessions were last used is in the ephemeral store, so the cap is enforced after the commit.
    let follow_up = if queries::count_open(conn, user, epoch, now)? >= MOST_OPEN {
        FollowUp::EnforceCap
    } else {
        FollowUp::None
    };
    let live = LiveSession {
        id: SessionId::random(),
        user,
        passkeys: vec![ceremony.passkey()],
        epoch,
        auth_time: now,
        acr: ceremony.acr().as_str().to_owned(),
        amr: ceremony.acr().amr().map(str::to_owned).to_vec(),
        created_at: now,
        absolute_end: now.after(sessions.absolute_lifetime),
        seen_at: now,
        idle_end: now.after(sessions.idle_timeout),
    };
    queries::insert(
        conn,
        &live,
        author.address.as_deref(),
        author.user_agent.as_deref(),
    )?;
    Ok(Begun {
        key: SessionKey::generate(user),
        live,
        follow_up,
    })
}

/// Steps a session up by a new ceremony of the same user: a later `auth_time`, one more passkey that it depends on, a new key. From the
/// commit on the account record refuses the earlier key, even if a copy under it is left.
///
/// # Errors
/// `Over` when the session ended meanwhile.
pub fn raise(
    conn: &mut Connection,
    sessions: &Sessions,
    session: &LiveSession,
    ceremony: &VerifiedCeremony,
) -> Result<Begun, RaiseError> {
    if session.user != ceremony.user() {
        return Err(RaiseError::Over);
    }
    let epoch = standing::find_epoch(conn, session.user)?;
    if epoch != Some(session.epoch) {
        return Err(RaiseError::Over);
    }
    let mut live = session.touched(ceremony.at(), sessions.idle_timeout);
    // Strictly later, because it distinguishes the copies under the two keys.
    let next = Timestamp::from_micros(session.auth_time.as_micros().saturating_add(1));
    live.auth_time = ceremony.at().max(next);
    ceremony.acr().as_str().clone_into(&mut live.acr);
    live.amr = ceremony.acr().amr().map(str::to_owned).to_vec();
    if !live.passkeys.contains(&ceremony.passkey()) {
        live.passkeys.push(ceremony.passkey());
    }
    if !queries::update_raised(conn, &live, session)? {
        return Err(RaiseError::Over);
    }
    let now = sessions.database.now(conn)?;
    queries::list_until(conn, live.id, sessions.listed_until(now))?;
    standing::raise(conn, session.user, now)?;
    Ok(Begun {
        key: SessionKey::generate(session.user),
        live,
        follow_up: FollowUp::PublishRecord,
    })
}

impl Sessions {
    /// Opens what was begun, after its commit: from here on the cookie is good.
    ///
    /// # Errors
    /// When the ephemeral store is away; the person signs in again.
    pub async fn open(&self, begun: &Begun) -> Result<(), Away> {
        self.keep(&begun.key, &begun.live).await?;
        let followed = match begun.follow_up {
            FollowUp::None => Ok(()),
            FollowUp::EnforceCap => self.enforce_cap(&begun.live).await,
            FollowUp::PublishRecord => self.publish(begun.live.user).await,
        };
        // The session is good all the same. The next sign-in enforces the cap, and every instance learns within a second which records
        // changed.
        if let Err(error) = followed {
            tracing::warn!(%error, "the steps after starting a session failed");
        }
        Ok(())
    }

    async fn publish(&self, user: UserId) -> Result<(), EndError> {
        self.standings.publish(user).await?;
        Ok(())
    }

    pub(super) async fn keep(&self, key: &SessionKey, live: &LiveSession) -> Result<(), Away> {
        let ttl = live.time_to_live(self.clock.now());
        let (store_key, text) = (key.store_key(), live_text(live)?);
        let seen = Seen {
            at: live.seen_at,
            live_copy: store_key.clone(),
        };
        let seen = seen.to_text();
        // The time of the last use is stored beside it, for the list of sessions and for sessions at protected hosts.
        let entries = [
            (store_key.as_str(), text.as_str()),
            (&seen_key(live.user, live.id), &seen),
        ];
        self.ephemeral.put_all(&entries, ttl).await
    }

    /// Updates the time of the last use that [`Sessions::keep`] stored, unless it was removed or belongs to a later key.
    pub(super) async fn move_seen(&self, live: &LiveSession, live_copy: &str) -> Result<(), Away> {
        let key = seen_key(live.user, live.id);
        let ttl = live.time_to_live(self.clock.now());
        let noted = self.ephemeral.get(&[&key]).await?;
        let Some(noted) = noted.into_iter().next().flatten() else {
            return Ok(());
        };
        if Seen::parse(&noted).is_some_and(|seen| seen.live_copy == live_copy) {
            let seen = Seen {
                at: live.seen_at,
                live_copy: live_copy.to_owned(),
            };
            let seen = seen.to_text();
            self.ephemeral.replace(&key, &noted, &seen, ttl).await?;
        }
        Ok(())
    }
}

pub(super) fn live_text(live: &LiveSession) -> Result<String, Away> {
    serde_json::to_string(live)
        .map_err(|error| Away(format!("stored session is not JSON: {error}")))
}
