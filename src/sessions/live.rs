//! The live copy of a session, in the ephemeral store.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::standing::Claim;

/// What a request with a cookie is judged by, together with the standing record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    /// The public id.
    pub id: SessionId,
    /// ID of the user who is signed in.
    pub user: UserId,
    /// Every passkey that opened or raised it: all must be live.
    pub passkeys: Vec<PasskeyId>,
    /// The person's epoch when it was made.
    pub epoch: i64,
    /// The last ceremony.
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// By which means.
    pub amr: Vec<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Expiry that no use postpones.
    pub absolute_end: Timestamp,
    /// When it was last known to be used (in steps of a tenth of the idle timeout).
    pub seen_at: Timestamp,
    /// When it ends if nobody uses it.
    pub idle_end: Timestamp,
}

impl LiveSession {
    /// When it ends as things stand.
    pub fn expires_at(&self) -> Timestamp {
        self.idle_end.min(self.absolute_end)
    }

    /// Whether it has expired. The idle timeout is the one that is configured now: it may have been shortened since the copy was
    /// written.
    pub fn is_over(&self, now: Timestamp, idle_timeout: Duration) -> bool {
        now >= self.expires_at().min(self.seen_at.after(idle_timeout))
    }

    /// How long the store shall keep it.
    pub fn time_to_live(&self, now: Timestamp) -> Duration {
        self.expires_at().since(now).max(Duration::from_millis(1))
    }

    /// Whether the last ceremony was within `window`: asked before a passkey is added or removed.
    pub fn is_fresh(&self, now: Timestamp, window: Duration) -> bool {
        now.since(self.auth_time) < window
    }

    /// The same session, used now.
    #[must_use]
    pub fn touched(&self, now: Timestamp, idle_timeout: Duration) -> Self {
        Self {
            seen_at: now,
            idle_end: now.after(idle_timeout),
            ..self.clone()
        }
    }

    /// What it says of itself to the gate.
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            session: self.id,
            epoch: self.epoch,
            passkeys: &self.passkeys,
            auth_time: Some(self.auth_time),
        }
    }
}
