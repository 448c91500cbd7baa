//! SQL of `grants` and `resources` for many at once.

use serde_json::json;

use crate::access::ResourceName;
use crate::access::seed::SeededGrant;
use crate::base::clock::Timestamp;
use crate::db::bulk::{self, Cell};
use crate::db::{Connection, Result};

pub(in crate::access) fn insert_grants(
    conn: &mut Connection,
    grants: &[SeededGrant],
    at: Timestamp,
) -> Result<()> {
    let columns = [
        ("id", Cell::Uuid),
        ("user_id", Cell::Uuid),
        ("resource_type", Cell::Text),
        ("resource_id", Cell::Text),
        ("roles", Cell::Document),
        ("created_at", Cell::Instant),
        ("version", Cell::Number),
        ("as_of", Cell::Instant),
    ];
    let at = bulk::instant(at);
    let row = |grant: &SeededGrant| {
        json!([
            bulk::uuid(grant.id),
            bulk::uuid(grant.user),
            grant.resource.kind,
            grant.resource.id,
            [grant.role],
            at,
            1,
            at,
        ])
    };
    bulk::insert(conn, "grants", &columns, grants.iter().map(row).collect())
}

pub(in crate::access) fn insert_resources(
    conn: &mut Connection,
    resources: &[ResourceName],
    at: Timestamp,
) -> Result<()> {
    let columns = [
        ("resource_type", Cell::Text),
        ("resource_id", Cell::Text),
        ("attributes", Cell::Document),
        ("created_at", Cell::Instant),
        ("moved_at", Cell::Instant),
        ("version", Cell::Number),
        ("as_of", Cell::Instant),
    ];
    let at = bulk::instant(at);
    let row = |resource: &ResourceName| json!([resource.kind, resource.id, {}, at, at, 1, at]);
    let rows = resources.iter().map(row).collect();
    bulk::insert(conn, "resources", &columns, rows)
}
