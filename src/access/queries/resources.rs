//! Queries on the table `resources`.

use diesel::prelude::*;
use serde_json::{Map, Value};

use super::super::thing::ThingRow;
use super::super::{ResourceName, ThingFilter};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, ResourceKey, UserId};
use crate::db::portable::ForUpdate;
use crate::db::schema::resources;
use crate::db::{Connection, Error, Json, Result};
use crate::history::Author;

type Row = (
    String,
    String,
    Option<String>,
    Option<String>,
    Json<Map<String, Value>>,
    Timestamp,
    Option<Timestamp>,
    Timestamp,
    i64,
    Timestamp,
    Option<UserId>,
    Option<ClientId>,
);

fn thing(row: Row) -> Result<ThingRow> {
    let name = ResourceName::parse(&row.0, &row.1)
        .map_err(|fault| Error::Refused(format!("stored resource name: {fault}")))?;
    Ok(ThingRow {
        name,
        title: row.2,
        description: row.3,
        attributes: row.4.0,
        created_at: row.5,
        is_deleted: row.6.is_some(),
        version: row.8,
        as_of: row.9,
        by_user: row.10,
        by_client: row.11,
    })
}

/// Reads a resource, also a deleted one.
pub(in crate::access) fn find_thing(
    conn: &mut Connection,
    name: &ResourceName,
) -> Result<Option<ThingRow>> {
    let row = resources::table
        .find((name.kind.as_str(), name.id.as_str()))
        .first::<Row>(conn)
        .optional()?;
    row.map(thing).transpose()
}

/// Same as [`find_thing`], but locks the row until the transaction ends.
pub(in crate::access) fn lock_thing(
    conn: &mut Connection,
    name: &ResourceName,
) -> Result<Option<ThingRow>> {
    let query = resources::table.find((name.kind.as_str(), name.id.as_str()));
    let row = ForUpdate(query).get_result::<Row>(conn).optional()?;
    row.map(thing).transpose()
}

/// Lists registered resources, ordered by type and ID.
pub(in crate::access) fn list_things(
    conn: &mut Connection,
    filter: &ThingFilter,
    limit: i64,
) -> Result<Vec<ThingRow>> {
    let mut query = resources::table
        .filter(resources::deleted_at.is_null())
        .order((resources::resource_type, resources::resource_id))
        .limit(limit)
        .into_boxed();
    if let Some(kind) = &filter.kind {
        query = query.filter(resources::resource_type.eq(kind.as_str().to_owned()));
    }
    if let Some(kinds) = &filter.of_types {
        let kinds: Vec<String> = kinds.iter().cloned().collect();
        query = query.filter(resources::resource_type.eq_any(kinds));
    }
    if let Some(after) = &filter.after {
        let (kind, id) = (after.kind.as_str().to_owned(), after.id.as_str().to_owned());
        if filter.kind.as_ref() == Some(&after.kind) {
            query = query.filter(resources::resource_id.gt(id));
        } else {
            let is_further = resources::resource_type
                .eq(kind.clone())
                .and(resources::resource_id.gt(id));
            // The first condition follows from the second, but neither database finds the start in the index from an OR.
            query = query
                .filter(resources::resource_type.ge(kind.clone()))
                .filter(resources::resource_type.gt(kind).or(is_further));
        }
    }
    let rows = query.load::<Row>(conn)?;
    rows.into_iter().map(thing).collect()
}

/// Inserts the first version; [`Error::Taken`] if another transaction inserted it first.
pub(in crate::access) fn insert_thing(
    conn: &mut Connection,
    thing: &ThingRow,
    now: Timestamp,
    author: &Author,
) -> Result<()> {
    diesel::insert_into(resources::table)
        .values((
            resources::resource_type.eq(thing.name.kind.as_str()),
            resources::resource_id.eq(thing.name.id.as_str()),
            resources::title.eq(thing.title.as_deref()),
            resources::description.eq(thing.description.as_deref()),
            resources::attributes.eq(Json(thing.attributes.clone())),
            resources::created_at.eq(thing.created_at),
            resources::deleted_at.eq(None::<Timestamp>),
            resources::moved_at.eq(now),
            resources::version.eq(thing.version),
            resources::as_of.eq(thing.as_of),
            resources::by_user.eq(author.user()),
            resources::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Updates the row to the next version. The caller holds the row's lock.
pub(in crate::access) fn update_thing(
    conn: &mut Connection,
    thing: &ThingRow,
    now: Timestamp,
    author: &Author,
) -> Result<()> {
    let deleted_at = thing.is_deleted.then_some(now);
    let row = resources::table.find((thing.name.kind.as_str(), thing.name.id.as_str()));
    diesel::update(row)
        .set((
            resources::title.eq(thing.title.as_deref()),
            resources::description.eq(thing.description.as_deref()),
            resources::attributes.eq(Json(thing.attributes.clone())),
            resources::deleted_at.eq(deleted_at),
            resources::moved_at.eq(now),
            resources::version.eq(thing.version),
            resources::as_of.eq(thing.as_of),
            resources::by_user.eq(author.user()),
            resources::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Lists the resources that changed since an instant of the database's clock, with their versions.
pub(in crate::access) fn list_moved_since(
    conn: &mut Connection,
    from: Timestamp,
) -> Result<Vec<(ResourceKey, i64)>> {
    let rows = resources::table
        .filter(resources::moved_at.ge(from))
        .select((
            resources::resource_type,
            resources::resource_id,
            resources::version,
        ))
        .load::<(String, String, i64)>(conn)?;
    rows.into_iter()
        .map(|(kind, id, version)| {
            let name = ResourceName::parse(&kind, &id)
                .map_err(|fault| Error::Refused(format!("stored resource name: {fault}")))?;
            Ok((name.key(), version))
        })
        .collect()
}
