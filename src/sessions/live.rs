//! Live copy of a session in the ephemeral store.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account_state::SessionRef;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};

/// Session data that requests are checked against, together with the account state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    pub id: SessionId,
    pub user: UserId,
    /// Passkeys that created or stepped up the session. It is valid only while none of them is revoked.
    pub passkeys: Vec<PasskeyId>,
    /// Session epoch of the user when the session was created; moves on if the session is kept when all others are ended.
    pub epoch: i64,
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// `amr` of the sign-in: the authentication methods used.
    pub amr: Vec<String>,
    pub created_at: Timestamp,
    /// When the session expires, however much it is used.
    pub absolute_end: Timestamp,
    /// When the session was last used, in steps of a tenth of the idle timeout.
    pub last_seen_at: Timestamp,
    /// When the session expires if it is not used.
    pub idle_end: Timestamp,
}

impl LiveSession {
    /// Returns when the session expires if it is not used any more.
    pub fn expires_at(&self) -> Timestamp {
        self.idle_end.min(self.absolute_end)
    }

    /// Returns whether the session has expired. It uses the idle timeout that is configured now, which may have been shortened
    /// since the copy was written.
    pub fn is_over(&self, now: Timestamp, idle_timeout: Duration) -> bool {
        now >= self.expires_at().min(self.last_seen_at.after(idle_timeout))
    }

    /// Returns how long the store keeps the copy.
    pub fn time_to_live(&self, now: Timestamp) -> Duration {
        self.expires_at().since(now).max(Duration::from_millis(1))
    }

    /// Returns the session as used at `now`.
    #[must_use]
    pub fn touched(&self, now: Timestamp, idle_timeout: Duration) -> Self {
        Self {
            last_seen_at: now,
            idle_end: now.after(idle_timeout),
            ..self.clone()
        }
    }

    /// Returns what the check against the account state needs.
    pub fn session_ref(&self) -> SessionRef<'_> {
        SessionRef {
            session: self.id,
            epoch: self.epoch,
            passkeys: &self.passkeys,
            auth_time: Some(self.auth_time),
        }
    }
}
