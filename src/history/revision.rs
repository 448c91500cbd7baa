//! Revisions: every version of every record with a history, as JSON without secrets.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::base::clock::Timestamp;

/// One version of one entity.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Kind of the entity: `user`, `passkey`, `client` and so on.
    pub entity: &'static str,
    /// ID of the entity.
    pub entity_id: Uuid,
    /// Version, counted from 1.
    pub version: i64,
    /// When the version begins.
    pub as_of: Timestamp,
    /// The record, without secrets.
    pub data: Value,
}

/// Returns when the next version begins: the database's time, but always later than the previous version.
pub fn next_as_of(now: Timestamp, previous: Timestamp) -> Timestamp {
    now.max(previous.after(Duration::from_micros(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stay_ordered_when_the_clock_goes_back() {
        let previous = Timestamp::from_micros(1_000);
        assert_eq!(
            next_as_of(Timestamp::from_micros(5), previous),
            Timestamp::from_micros(1_001)
        );
        assert_eq!(
            next_as_of(Timestamp::from_micros(2_000), previous),
            Timestamp::from_micros(2_000)
        );
    }
}
