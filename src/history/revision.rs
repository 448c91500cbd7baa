//! Revisions: every version of every lasting entity, as JSON without secrets.

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
    /// The kind: `user`, `passkey`, `client`.
    pub entity: &'static str,
    /// ID of the entity.
    pub entity_id: Uuid,
    /// Version, counted from 1.
    pub version: i64,
    /// Since when it stands so.
    pub as_of: Timestamp,
    /// The record, without secrets.
    pub data: Value,
}

/// A version as it was stored.
#[derive(Clone, Debug)]
pub struct StoredRevision {
    /// Of which entity.
    pub entity_id: Uuid,
    /// Version, counted from 1.
    pub version: i64,
    /// Since when it stood so.
    pub as_of: Timestamp,
    /// The person who made it so.
    pub by_user: Option<UserId>,
    /// The client that made it so, or through which the person did.
    pub by_client: Option<ClientId>,
    /// The record, without secrets.
    pub data: Value,
}

/// How an entity stood at an instant: its last version that is not later. `None`: it was not there yet.
pub fn find_as_of(
    conn: &mut db::Connection,
    entity: &'static str,
    entity_id: Uuid,
    at: Timestamp,
) -> db::Result<Option<StoredRevision>> {
    queries::find_revision_as_of(conn, entity, entity_id, at)
}

/// The versions of an entity, newest first, at most `limit`; those before `before`, if given.
pub fn list_revisions(
    conn: &mut db::Connection,
    entity: &'static str,
    entity_id: Uuid,
    before: Option<i64>,
    limit: i64,
) -> db::Result<Vec<StoredRevision>> {
    queries::list_revisions(conn, entity, entity_id, before, limit)
}

/// Stores a version in the transaction of the change.
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
