//! Records of used one-time tokens (ceremonies and handoff codes).
//!
//! The data behind a token is in the ephemeral store. Its use is a row in the database, keyed by the token's hash: because
//! of the unique key only one of several concurrent requests succeeds, and restoring Redis to an earlier state can't make a
//! used token usable again.

use std::time::Duration;

use super::{Sessions, queries};
use crate::base::clock::Timestamp;
use crate::base::secrets::TokenHash;
use crate::db::{self, Connection};

/// How long the record is kept after the token expires; longer than the clocks of two instances can differ.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);

/// Why a token can't be used.
#[derive(Debug, thiserror::Error)]
pub enum UseError {
    #[error("already used")]
    Used,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// One-time token to be used.
#[derive(Clone, Copy, Debug)]
pub struct SingleUse {
    token: TokenHash,
    expires_at: Timestamp,
}

impl SingleUse {
    /// Creates the use of a token by its hash and its expiry.
    pub fn new(token: TokenHash, expires_at: Timestamp) -> Self {
        Self { token, expires_at }
    }

    pub fn token(&self) -> TokenHash {
        self.token
    }

    /// Checks that the token was not used before.
    pub fn require_unused(&self, conn: &mut Connection) -> Result<(), UseError> {
        if queries::is_used(conn, self.token)? {
            return Err(UseError::Used);
        }
        Ok(())
    }

    /// Records the token as used, in the transaction of the change that it authorizes. Of several concurrent callers only one
    /// succeeds. After an error the transaction must be rolled back.
    pub fn consume(&self, conn: &mut Connection) -> Result<(), UseError> {
        let consumed = queries::insert_used(conn, self.token, self.expires_at);
        consumed.map_err(|error| match error {
            db::Error::UniqueViolation(_) => UseError::Used,
            error => error.into(),
        })
    }
}

impl Sessions {
    /// Records a token as used, in its own transaction.
    pub async fn consume(&self, single_use: SingleUse) -> Result<(), UseError> {
        self.database
            .write(move |conn| single_use.consume(conn))
            .await
    }

    /// Deletes the records of used tokens that have expired. Returns how many were deleted.
    pub async fn delete_expired(&self) -> db::Result<usize> {
        let before = self.clock.now().before(CLOCK_SKEW);
        self.database
            .write(move |conn| queries::delete_used(conn, before))
            .await
    }
}
