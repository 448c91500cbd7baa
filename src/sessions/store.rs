//! actix-session's store: hands the key in a signed cookie to the extractors, and issues keys that a ceremony has stored.
//!
//! The stock stores write the state that a handler left behind; that would revive a session which was ended meanwhile. Here
//! the middleware never writes a session: sign-in and step-up write it, and touching is a compare-and-set.

use std::collections::HashMap;

use actix_session::Session;
use actix_session::storage::{
    LoadError, SaveError, SessionKey as CookieValue, SessionStore, UpdateError,
};
use actix_web::cookie::time::Duration;

use super::Sessions;
use super::key::SessionKey;
use super::live::LiveSession;

/// The entry of actix-session's map that holds the value of the request's cookie.
const PRESENTED: &str = "presented";
/// The entry that holds the value of the response's cookie.
const ISSUED: &str = "issued";

/// The key in the request's cookie, if its signature is valid.
pub(super) fn presented_key(session: &Session) -> Option<SessionKey> {
    let entries = session.entries();
    SessionKey::parse(entries.get(PRESENTED)?)
}

/// Puts a stored session's key into the response's cookie.
pub(super) fn issue_key(
    session: &Session,
    key: &SessionKey,
) -> Result<(), actix_session::SessionInsertError> {
    session.renew();
    session.insert(ISSUED, key.expose())
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
    /// Passes the cookie's value on and reads nothing: `Sessions::state_of` reads the session where a handler needs it. Never
    /// an error, because the middleware would make an empty 500 of it on every route.
    async fn load(
        &self,
        presented: &CookieValue,
    ) -> Result<Option<HashMap<String, String>>, LoadError> {
        let presented = presented.as_ref().to_owned();
        Ok(Some(HashMap::from([(PRESENTED.to_owned(), presented)])))
    }

    /// Hands out the key that a verb issued; there are no other sessions to save.
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
