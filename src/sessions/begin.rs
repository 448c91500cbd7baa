//! A verified ceremony makes a session, or raises the one that there is.

use super::end::end_every;
use super::key::{SessionKey, seen_key};
use super::live::LiveSession;
use super::verified::VerifiedCeremony;
use super::{Sessions, queries};
use crate::base::ids::SessionId;
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::Author;
use crate::standing;

/// Nobody has this many browsers; whoever signs in once more ends all that were before.
const MOST_OPEN: i64 = 200;

/// A session that is written in the database and not yet open.
#[derive(Debug)]
pub struct Begun {
    /// What the cookie will hold.
    pub key: SessionKey,
    /// What will be stored.
    pub live: LiveSession,
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
///
/// # Errors
/// When the database is away.
pub fn begin(
    conn: &mut Connection,
    sessions: &Sessions,
    ceremony: &VerifiedCeremony,
    mut epoch: i64,
    author: &Author,
) -> db::Result<Begun> {
    let user = ceremony.user();
    let now = ceremony.at();
    if queries::count_open(conn, user, epoch, now)? >= MOST_OPEN {
        end_every(conn, user, now, "too-many-open")?;
        let raised = standing::find_epoch(conn, user)?;
        epoch = raised.ok_or_else(|| db::Error::Refused("a person without a standing".into()))?;
    }
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
    })
}

/// Raises a session by a new ceremony of the same person: a later `auth_time`, one more passkey to rest on, a new key.
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
    live.auth_time = ceremony.at();
    ceremony.acr().as_str().clone_into(&mut live.acr);
    live.amr = ceremony.acr().amr().map(str::to_owned).to_vec();
    if !live.passkeys.contains(&ceremony.passkey()) {
        live.passkeys.push(ceremony.passkey());
    }
    if !queries::update_raised(conn, &live, session)? {
        return Err(RaiseError::Over);
    }
    Ok(Begun {
        key: SessionKey::generate(session.user),
        live,
    })
}

impl Sessions {
    /// Opens what was begun, after its commit: from here on the cookie is good.
    ///
    /// # Errors
    /// When the ephemeral store is away; the person signs in again.
    pub async fn open(&self, begun: &Begun) -> Result<(), Away> {
        self.keep(&begun.key, &begun.live).await
    }

    pub(super) async fn keep(&self, key: &SessionKey, live: &LiveSession) -> Result<(), Away> {
        let ttl = live.time_to_live(self.clock.now());
        let (store_key, text) = (key.store_key(), live_text(live)?);
        let seen = live.seen_at.to_rfc3339();
        // When it was last seen, for the list of sessions and for the doors that hang on it, stands beside it.
        let entries = [
            (store_key.as_str(), text.as_str()),
            (&seen_key(live.user, live.id), &seen),
        ];
        self.ephemeral.put_all(&entries, ttl).await
    }

    /// Moves what [`Sessions::keep`] noted of when it was seen; what was taken away meanwhile is not brought back.
    pub(super) async fn move_seen(&self, live: &LiveSession) -> Result<(), Away> {
        let key = seen_key(live.user, live.id);
        let ttl = live.time_to_live(self.clock.now());
        let noted = self.ephemeral.get(&[&key]).await?;
        if let Some(noted) = noted.into_iter().next().flatten() {
            let seen = live.seen_at.to_rfc3339();
            self.ephemeral.replace(&key, &noted, &seen, ttl).await?;
        }
        Ok(())
    }
}

pub(super) fn live_text(live: &LiveSession) -> Result<String, Away> {
    serde_json::to_string(live).map_err(|error| Away(format!("a session that is no JSON: {error}")))
}
