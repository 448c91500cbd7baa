//! A past time that a request asks about, and whether the state at that time can still change.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};

/// A change is visible in the history this long after its `as_of`, or never. Answers about a more recent time may still change.
pub const SETTLED_AFTER: Duration = db::VISIBLE_WITHIN;

/// A time in the past, as responses name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PastInstant {
    /// The requested time.
    #[serde(rename = "as_of")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether the response is final: repeating the request will return the same state.
    #[serde(rename = "settled")]
    pub is_settled: bool,
}

/// Why there is no answer about a time.
#[derive(Debug, thiserror::Error)]
pub enum PastInstantError {
    /// The time is in the future.
    #[error("must not be in the future")]
    Future,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl PastInstant {
    /// Checks a time against the database's clock. Call it before any other read, so that all data of a settled time is visible.
    pub fn check(
        conn: &mut Connection,
        database: &Database,
        at: Timestamp,
    ) -> Result<Self, PastInstantError> {
        Self::relative_to(database.now(conn)?, at).ok_or(PastInstantError::Future)
    }

    /// Compares the time with `now`; returns `None` if it is in the future.
    fn relative_to(now: Timestamp, at: Timestamp) -> Option<Self> {
        let is_settled = at <= now.before(SETTLED_AFTER);
        (at <= now).then_some(Self { at, is_settled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn future_instants_are_refused_and_recent_ones_are_not_settled() {
        let now = Timestamp::from_micros(1_795_000_000_000_000);
        let micro = Duration::from_micros(1);
        let settled = |at| PastInstant::relative_to(now, at).map(|instant| instant.is_settled);
        assert_eq!(settled(now.after(micro)), None);
        assert_eq!(settled(now), Some(false));
        assert_eq!(settled(now.before(SETTLED_AFTER).after(micro)), Some(false));
        assert_eq!(settled(now.before(SETTLED_AFTER)), Some(true));
    }
}
