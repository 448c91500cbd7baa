//! Revisions: every version of every record with a history, as JSON without secrets.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::Author;
use super::queries;
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::db;

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

/// A stored version.
#[derive(Clone, Debug)]
pub struct StoredRevision {
    /// ID of the entity.
    pub entity_id: Uuid,
    /// Version, counted from 1.
    pub version: i64,
    /// When the version begins.
    pub as_of: Timestamp,
    /// ID of the user who made the change.
    pub by_user: Option<UserId>,
    /// ID of the client that made the change, or through which the user did.
    pub by_client: Option<ClientId>,
    /// The record, without secrets.
    pub data: Value,
}

/// Returns the version of an entity that was current at a time; `None` if the entity did not exist yet.
pub fn find_as_of(
    conn: &mut db::Connection,
    entity: &'static str,
    entity_id: Uuid,
    at: Timestamp,
) -> db::Result<Option<StoredRevision>> {
    queries::find_revision_as_of(conn, entity, entity_id, at)
}

/// Returns the versions of an entity, newest first, at most `limit`; only those before version `before`, if it is given.
pub fn list_revisions(
    conn: &mut db::Connection,
    entity: &'static str,
    entity_id: Uuid,
    before: Option<i64>,
    limit: i64,
) -> db::Result<Vec<StoredRevision>> {
    queries::list_revisions(conn, entity, entity_id, before, limit)
}

/// Stores a version, in the transaction of the change.
pub fn record_revision(
    conn: &mut db::Connection,
    author: &Author,
    revision: Revision,
) -> db::Result<()> {
    queries::insert_revision(conn, author, revision)
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
