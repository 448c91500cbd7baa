//! Reads what the ephemeral store holds for a request's session cookie. Read once per request, when a handler first needs it.

use std::rc::Rc;

use actix_session::SessionExt;
use actix_web::{HttpMessage, HttpRequest};

use super::Sessions;
use super::key::SessionKey;
use super::store::presented_key;
use crate::account_state::AccountStates;

/// Unchecked session of a request. Stored in the request's extensions.
#[derive(Clone, Debug)]
pub(super) enum SessionState {
    /// No session cookie with a valid signature, or no session under its key.
    Absent,
    /// The session's live copy was found.
    Stored(Rc<StoredSession>),
    Unavailable,
}

/// Session in the ephemeral store, with the account state of its user.
#[derive(Debug)]
pub(super) struct StoredSession {
    pub(super) key: SessionKey,
    /// The live copy, as JSON.
    pub(super) live: String,
    /// Cached account state of the user, `version:record`.
    pub(super) account: Option<String>,
}

impl StoredSession {
    /// Returns the account state without the version of the cached copy.
    pub(super) fn account_record(&self) -> Option<&str> {
        self.account
            .as_deref()
            .and_then(AccountStates::cached_record)
    }
}

impl Sessions {
    /// Returns the unchecked session of a request.
    pub(super) async fn state_of(&self, request: &HttpRequest) -> SessionState {
        if let Some(state) = request.extensions().get::<SessionState>() {
            return state.clone();
        }
        let state = match presented_key(&request.get_session()) {
            Some(key) => self.read_state(key).await,
            None => SessionState::Absent,
        };
        request.extensions_mut().insert(state.clone());
        state
    }

    /// Reads the session and its user's account state in one round trip.
    async fn read_state(&self, key: SessionKey) -> SessionState {
        let keys = [key.store_key(), AccountStates::key(key.user())];
        let mut copies = match self.ephemeral.get(&[&keys[0], &keys[1]]).await {
            Ok(copies) => copies.into_iter(),
            Err(error) => {
                tracing::error!(%error, "the session store is unavailable");
                return SessionState::Unavailable;
            }
        };
        let (live, account) = (copies.next().flatten(), copies.next().flatten());
        live.map_or(SessionState::Absent, |live| {
            SessionState::Stored(Rc::new(StoredSession { key, live, account }))
        })
    }
}
