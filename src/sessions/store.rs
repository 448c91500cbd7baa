//! actix-session's store: it reads live copies, and hands out keys that a verb has written.
//!
//! The stock stores write what a handler left behind; that revives a session which was ended meanwhile. Here nothing is
//! ever written by the middleware: sign-in and step-up write in the verb, touching is a compare-and-set.

use std::collections::HashMap;

use actix_session::storage::{
    LoadError, SaveError, SessionKey as CookieValue, SessionStore, UpdateError,
};
use actix_web::cookie::time::Duration;

use super::Sessions;
use super::key::SessionKey;
use super::live::LiveSession;
use crate::standing::Standings;

/// State keys between the store and the extractor.
pub(super) mod state {
    /// The cookie's own value.
    pub const KEY: &str = "key";
    /// The live copy, as JSON.
    pub const LIVE: &str = "live";
    /// The cached standing record, as JSON.
    pub const STANDING: &str = "standing";
    /// The store was away.
    pub const AWAY: &str = "away";
    /// The key that a verb wrote and the cookie shall now hold.
    pub const ISSUED: &str = "issued";
}

/// The store behind the session middleware.
#[derive(Debug)]
pub struct Store(Sessions);

impl Store {
    /// Over the sessions.
    pub fn new(sessions: Sessions) -> Self {
        Self(sessions)
    }
}

impl SessionStore for Store {
    /// One round trip for the session and the person's standing. Never an error: the middleware would turn it into an empty
    /// 500 on every route it wraps; the extractor answers 503 instead.
    async fn load(
        &self,
        presented: &CookieValue,
    ) -> Result<Option<HashMap<String, String>>, LoadError> {
        let Some(key) = SessionKey::parse(presented.as_ref()) else {
            return Ok(None);
        };
        let keys = [key.store_key(), Standings::key(key.user())];
        let copies = self.0.ephemeral.get(&[&keys[0], &keys[1]]).await;
        let mut found = HashMap::from([(state::KEY.to_owned(), key.expose())]);
        match copies {
            Err(away) => {
                found.insert(state::AWAY.into(), away.to_string());
            }
            Ok(copies) => {
                let mut copies = copies.into_iter();
                let Some(live) = copies.next().flatten() else {
                    return Ok(None);
                };
                found.insert(state::LIVE.into(), live);
                let standing = copies.next().flatten();
                if let Some(record) = standing.as_deref().and_then(Standings::record_in) {
                    found.insert(state::STANDING.into(), record.to_owned());
                }
            }
        }
        Ok(Some(found))
    }

    /// Hands out the key that a verb issued; there are no other sessions to save.
    async fn save(
        &self,
        state: HashMap<String, String>,
        _: &Duration,
    ) -> Result<CookieValue, SaveError> {
        let issued = state
            .get(state::ISSUED)
            .and_then(|issued| serde_json::from_str::<String>(issued).ok());
        let Some(issued) = issued else {
            return Err(SaveError::Other(anyhow::anyhow!(
                "a session that no ceremony made"
            )));
        };
        CookieValue::try_from(issued).map_err(|error| SaveError::Other(error.into()))
    }

    /// Nothing changes a session's state but a new key.
    async fn update(
        &self,
        _: CookieValue,
        _: HashMap<String, String>,
        _: &Duration,
    ) -> Result<CookieValue, UpdateError> {
        Err(UpdateError::Other(anyhow::anyhow!(
            "sessions are changed by verbs, not by handlers"
        )))
    }

    /// Touching is ours (`Sessions::touch`): it knows both lifetimes.
    async fn update_ttl(&self, _: &CookieValue, _: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    /// Forgets the live copy of a key that was replaced or given up. What ends a session is its standing, so a store that is
    /// away here harms nothing.
    async fn delete(&self, presented: &CookieValue) -> Result<(), anyhow::Error> {
        if let Some(key) = SessionKey::parse(presented.as_ref())
            && let Err(error) = self.0.forget(&key).await
        {
            tracing::warn!(%error, "can't delete an old session key; it will expire");
        }
        Ok(())
    }
}

impl Sessions {
    /// Moves the idle clock, off the request's path and at most once per tenth of the idle timeout. It replaces the very copy
    /// that was read: a session ended, renewed or moved meanwhile stays as it is.
    pub(super) fn touch(&self, key: &SessionKey, live: &LiveSession, text: &str) {
        let now = self.clock.now();
        if now.since(live.seen_at) < self.idle_timeout / 10 {
            return;
        }
        let sessions = self.clone();
        let touched = live.touched(now, self.idle_timeout);
        let (key, text) = (key.store_key(), text.to_owned());
        tokio::spawn(async move {
            let ttl = touched.time_to_live(now);
            let moved = match super::begin::live_text(&touched) {
                Ok(new) => sessions.ephemeral.replace(&key, &text, &new, ttl).await,
                Err(error) => Err(error),
            };
            let noted = match moved {
                Ok(true) => sessions.move_seen(&touched, &key).await,
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = noted {
                tracing::warn!(%error, "can't update a session's idle time");
            }
        });
    }
}
