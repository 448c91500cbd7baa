//! The durable mark of a one-time token that was used: a ceremony, or a forward-auth ticket.
//!
//! The ephemeral store holds what a token stands for. That it was used is a row of the database, under the token's hash: a unique
//! key decides which of several requests wins, and a Redis that is set back to an earlier moment brings no used token back.

use std::time::Duration;

use super::{Sessions, queries};
use crate::base::clock::Timestamp;
use crate::base::secrets::TokenHash;
use crate::db::{self, Connection};

/// How much longer than the token the mark of its use is kept: more than two instances' clocks differ.
const SLACK: Duration = Duration::from_secs(3_600);

/// Why a token can't be used.
#[derive(Debug, thiserror::Error)]
pub enum UseError {
    /// It was used before.
    #[error("used before")]
    Used,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The one use of a one-time token.
#[derive(Clone, Copy, Debug)]
pub struct SingleUse {
    token: TokenHash,
    expires_at: Timestamp,
}

impl SingleUse {
    /// The use of the token with this hash, which expires by itself at `expires_at`.
    pub fn new(token: TokenHash, expires_at: Timestamp) -> Self {
        Self { token, expires_at }
    }

    /// Hash of the token.
    pub fn token(&self) -> TokenHash {
        self.token
    }

    /// Refuses a token that was used before.
    ///
    /// # Errors
    /// `Used`, or when the database is away.
    pub fn require_unused(&self, conn: &mut Connection) -> Result<(), UseError> {
        if queries::is_used(conn, self.token)? {
            return Err(UseError::Used);
        }
        Ok(())
    }

    /// Marks the token as used, in the transaction of what it decides: of any number of callers one succeeds. After an error the
    /// transaction must be rolled back.
    ///
    /// # Errors
    /// `Used`, or when the database is away.
    pub fn consume(&self, conn: &mut Connection) -> Result<(), UseError> {
        let consumed = queries::insert_used(conn, self.token, self.expires_at);
        consumed.map_err(|error| match error {
            db::Error::Taken(_) => UseError::Used,
            error => error.into(),
        })
    }
}

impl Sessions {
    /// Marks a token as used, in a transaction of its own.
    ///
    /// # Errors
    /// `Used`, or when the database is away.
    pub async fn consume(&self, single_use: SingleUse) -> Result<(), UseError> {
        self.database
            .write(move |conn| single_use.consume(conn))
            .await
    }

    /// Deletes the marks of used tokens that have expired meanwhile; returns their number.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn tidy(&self) -> db::Result<usize> {
        let before = self.clock.now().before(SLACK);
        self.database
            .write(move |conn| queries::delete_used(conn, before))
            .await
    }
}
