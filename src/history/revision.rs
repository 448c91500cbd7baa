//! Revisions: every version of every lasting entity, as JSON without secrets.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::Author;
use super::queries;
use crate::base::clock::Timestamp;
use crate::db;

/// One version of one entity.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The kind: `user`, `passkey`, `client`.
    pub entity: &'static str,
    /// Which one.
    pub entity_id: Uuid,
    /// From 1.
    pub version: i64,
    /// Since when it stands so.
    pub as_of: Timestamp,
    /// The record, without secrets.
    pub data: Value,
}

/// Stores a version in the transaction of the change.
///
/// # Errors
/// When the database is away.
pub fn revise(conn: &mut db::Connection, author: &Author, revision: Revision) -> db::Result<()> {
    queries::insert_revision(conn, author, revision)
}

/// When the next version begins: the database's time, and always later than the version before it.
pub fn next_as_of(now: Timestamp, previous: Timestamp) -> Timestamp {
    now.max(previous.after(Duration::from_micros(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_later_than_the_one_before_it_even_when_the_clock_went_back() {
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
