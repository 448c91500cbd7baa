//! How things stood at an instant, and whether that can still change.

use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};
use crate::history;

/// An instant of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Whether the answer can't change any more.
    pub is_settled: bool,
}

/// Why there is no answer about an instant.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It is still ahead.
    #[error("as_of must not be in the future")]
    Future,
    /// There was nobody of this id or name.
    #[error("there was nobody of this id or name")]
    UserUnknown,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Moment {
    /// The instant, judged by the database's clock before anything is read: what is settled then is all there.
    pub(super) fn of(
        conn: &mut Connection,
        database: &Database,
        at: Timestamp,
    ) -> Result<Self, PastError> {
        let now = database.now(conn)?;
        if at > now {
            return Err(PastError::Future);
        }
        let is_settled = history::is_settled(now, at);
        Ok(Self { at, is_settled })
    }
}
