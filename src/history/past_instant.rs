//! An instant of the past that somebody asks about, and whether how it stood then can still change.

use std::time::Duration;

use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};

/// A change is in the history this long after the instant that it bears, or never: answers about a later instant may change.
pub const SETTLES: Duration = db::SEEN_WITHIN;

/// An instant of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastInstant {
    /// The instant.
    pub at: Timestamp,
    /// Whether how it stood then can't change any more.
    pub is_settled: bool,
}

/// Why there is no answer about an instant.
#[derive(Debug, thiserror::Error)]
pub enum PastInstantError {
    /// It is still ahead.
    #[error("must not be in the future")]
    Future,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl PastInstant {
    /// The instant, judged by the database's clock. To be asked before anything is read: what is settled then is all there.
    ///
    /// # Errors
    /// `Future`, or when the database is away.
    pub fn judge(
        conn: &mut Connection,
        database: &Database,
        at: Timestamp,
    ) -> Result<Self, PastInstantError> {
        Self::seen_from(database.now(conn)?, at).ok_or(PastInstantError::Future)
    }

    /// The instant as it is seen from `now`; `None`: it is still ahead.
    fn seen_from(now: Timestamp, at: Timestamp) -> Option<Self> {
        let is_settled = at <= now.before(SETTLES);
        (at <= now).then_some(Self { at, is_settled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_future_is_no_past_and_the_last_moments_are_not_settled() {
        let now = Timestamp::from_micros(1_795_000_000_000_000);
        let micro = Duration::from_micros(1);
        let settled = |at| PastInstant::seen_from(now, at).map(|instant| instant.is_settled);
        assert_eq!(settled(now.after(micro)), None);
        assert_eq!(settled(now), Some(false));
        assert_eq!(settled(now.before(SETTLES).after(micro)), Some(false));
        assert_eq!(settled(now.before(SETTLES)), Some(true));
    }
}
