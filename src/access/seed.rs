//! Grants and things made up by the thousand, for measuring.

use serde_json::json;

use super::{ResourceName, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{GrantId, UserId};
use crate::db::{self, Connection};
use crate::history::{self, Author, Revision};

/// What somebody holds on a thing, from the beginning and without an end.
#[derive(Clone, Debug)]
pub struct SeededGrant {
    /// Its id.
    pub id: GrantId,
    /// Who.
    pub user: UserId,
    /// On what.
    pub resource: ResourceName,
    /// As what.
    pub role: &'static str,
}

/// Writes new grants with their first revisions. The holders' standings were written in the same transaction.
///
/// # Errors
/// When the database is away.
pub fn insert_grants(
    conn: &mut Connection,
    grants: &[SeededGrant],
    at: Timestamp,
    author: &Author,
) -> db::Result<()> {
    queries::insert_grants(conn, grants, at)?;
    let revision = |grant: &SeededGrant| Revision {
        entity: "grant",
        entity_id: grant.id.uuid(),
        version: 1,
        as_of: at,
        data: json!({
            "user": grant.user,
            "resource": grant.resource,
            "roles": [grant.role],
            "title": null,
            "description": null,
            "valid_until": null,
        }),
    };
    history::revise_many(conn, author, grants.iter().map(revision).collect())
}

/// Writes what is known of new things, with first revisions.
///
/// # Errors
/// When the database is away.
pub fn insert_resources(
    conn: &mut Connection,
    resources: &[ResourceName],
    at: Timestamp,
    author: &Author,
) -> db::Result<()> {
    queries::insert_resources(conn, resources, at)?;
    let revision = |resource: &ResourceName| Revision {
        entity: "resource",
        entity_id: resource.key().uuid(),
        version: 1,
        as_of: at,
        data: json!({
            "type": resource.kind,
            "id": resource.id,
            "title": null,
            "description": null,
            "attributes": {},
        }),
    };
    history::revise_many(conn, author, resources.iter().map(revision).collect())
}
