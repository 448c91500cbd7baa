//! Session store of actix-session: passes the key in the signed cookie to the extractors, and issues the keys of sessions that a
//! ceremony has stored.
//!
//! The stock stores write back the state that a handler leaves behind; that would revive a session which was ended in
//! the meantime. Here the middleware never writes a session: sign-in and step-up write it, and updates of the idle
//! time are a compare-and-set.

use std::collections::HashMap;

use actix_session::Session;
use actix_session::storage::{
    LoadError, SaveError, SessionKey as CookieValue, SessionStore, UpdateError,
};
use actix_web::cookie::time::Duration;

use super::Sessions;
use super::key::SessionKey;
use super::live::LiveSession;
use crate::ephemeral::to_json;

/// Entry in actix-session's map with the value of the request's cookie.
const PRESENTED: &str = "presented";
/// Entry with the value of the response's cookie.
const ISSUED: &str = "issued";

/// Returns the key in the request's cookie if its signature is valid.
pub(super) fn presented_key(session: &Session) -> Option<SessionKey> {
    let entries = session.entries();
    SessionKey::parse(entries.get(PRESENTED)?)
}

/// Puts the key of a stored session into the response's cookie.
pub(super) fn issue_key(
    session: &Session,
    key: &SessionKey,
) -> Result<(), actix_session::SessionInsertError> {
    session.renew();
    session.insert(ISSUED, key.expose())
}

/// Session store for the session middleware.
#[derive(Debug)]
pub struct Store(Sessions);

impl Store {
    /// Creates the store for `sessions`.
    pub fn new(sessions: Sessions) -> Self {
        Self(sessions)
    }
}

impl SessionStore for Store {
    /// Passes on the cookie's value without reading any store: `Sessions::state_of` reads the session when a handler needs it.
    /// Never returns an error, because the middleware would turn it into an empty 500 on every route.
    async fn load(
        &self,
        presented: &CookieValue,
    ) -> Result<Option<HashMap<String, String>>, LoadError> {
        let presented = presented.as_ref().to_owned();
        Ok(Some(HashMap::from([(PRESENTED.to_owned(), presented)])))
    }

    /// Returns the key that sign-in or step-up issued. No other session state is saved.
    async fn save(
        &self,
        state: HashMap<String, String>,
        _: &Duration,
    ) -> Result<CookieValue, SaveError> {
        let issued = state
            .get(ISSUED)
            .and_then(|issued| serde_json::from_str::<String>(issued).ok());
        let Some(issued) = issued else {
            return Err(SaveError::Other(anyhow::anyhow!(
                "a session that no ceremony made"
            )));
        };
        CookieValue::try_from(issued).map_err(|error| SaveError::Other(error.into()))
    }

    /// Always fails: a session's state changes only with a new key.
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

    /// Does nothing: `Sessions::touch` extends sessions, because it knows both lifetimes.
    async fn update_ttl(&self, _: &CookieValue, _: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    /// Deletes the live copy under a key that was replaced or signed out. The account state is what ends a session, so an
    /// unavailable store does no harm here.
    async fn delete(&self, presented: &CookieValue) -> Result<(), anyhow::Error> {
        if let Some(key) = SessionKey::parse(presented.as_ref())
            && let Err(error) = self.0.ephemeral.remove(&key.store_key()).await
        {
            tracing::warn!(%error, "can't delete an old session key; it will expire");
        }
        Ok(())
    }
}

impl Sessions {
    /// Extends the idle timeout in the background, at most once per tenth of the idle timeout. The compare-and-set replaces
    /// exactly the copy that was read: a session that was ended, stepped up or moved in the meantime stays as it is.
    pub(super) fn touch(&self, key: &SessionKey, live: &LiveSession, text: &str) {
        let now = self.clock.now();
        if now.since(live.last_seen_at) < self.idle_timeout / 10 {
            return;
        }
        let sessions = self.clone();
        let touched = live.touched(now, self.idle_timeout);
        let (key, text) = (key.store_key(), text.to_owned());
        tokio::spawn(async move {
            let ttl = touched.time_to_live(now);
            let moved = match to_json(&touched) {
                Ok(new) => sessions.ephemeral.replace(&key, &text, &new, ttl).await,
                Err(error) => Err(error),
            };
            let noted = match moved {
                Ok(true) => sessions.update_last_seen(&touched, &key).await,
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = noted {
                tracing::warn!(%error, "can't update a session's idle time");
            }
        });
    }
}
