//! Queries on the table `resources`.

use diesel::prelude::*;
use serde_json::{Map, Value};

use super::super::{ResourceFilter, ResourceName, ResourceView};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, ResourceKey, UserId};
use crate::db::portable::ForUpdate;
use crate::db::schema::resources;
use crate::db::{Connection, Error, Json, Result};

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

fn resource(row: Row) -> Result<ResourceView> {
    let name = ResourceName::parse(&row.0, &row.1)
        .map_err(|fault| Error::Internal(format!("stored resource name: {fault}")))?;
    Ok(ResourceView {
        kind: name.kind,
        id: name.id,
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
pub(in crate::assignments) fn find_resource(
    conn: &mut Connection,
    name: &ResourceName,
) -> Result<Option<ResourceView>> {
    let row = resources::table
        .find((name.kind.as_str(), name.id.as_str()))
        .first::<Row>(conn)
        .optional()?;
    row.map(resource).transpose()
}

/// Same as [`find_resource`], but locks the row until the transaction ends.
pub(in crate::assignments) fn lock_resource(
    conn: &mut Connection,
    name: &ResourceName,
) -> Result<Option<ResourceView>> {
    let query = resources::table.find((name.kind.as_str(), name.id.as_str()));
    let row = ForUpdate(query).get_result::<Row>(conn).optional()?;
    row.map(resource).transpose()
}

/// Lists registered resources, ordered by type and ID.
pub(in crate::assignments) fn list_resources(
    conn: &mut Connection,
    filter: &ResourceFilter,
    limit: i64,
) -> Result<Vec<ResourceView>> {
    let mut query = resources::table
        .filter(resources::deleted_at.is_null())
        .order((resources::resource_type, resources::resource_id))
        .limit(limit)
        .into_boxed();
    if let Some(kind) = &filter.resource_type {
        query = query.filter(resources::resource_type.eq(kind.as_str().to_owned()));
    }
    if let Some(types) = &filter.visible_types {
        let types: Vec<String> = types.iter().cloned().collect();
        query = query.filter(resources::resource_type.eq_any(types));
    }
    if let Some(after) = &filter.after {
        let (kind, id) = (after.kind.as_str().to_owned(), after.id.as_str().to_owned());
        if filter.resource_type.as_ref() == Some(&after.kind) {
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
    rows.into_iter().map(resource).collect()
}

/// Inserts the first version of a resource, or updates the row, which the caller has locked, to a later one. Fails with
/// [`Error::UniqueViolation`] if another transaction inserted the first version first.
pub(in crate::assignments) fn store_resource(
    conn: &mut Connection,
    resource: &ResourceView,
    now: Timestamp,
) -> Result<()> {
    let (kind, id) = (resource.kind.as_str(), resource.id.as_str());
    let columns = (
        resources::title.eq(resource.title.as_deref()),
        resources::description.eq(resource.description.as_deref()),
        resources::attributes.eq(Json(resource.attributes.clone())),
        resources::deleted_at.eq(resource.is_deleted.then_some(now)),
        resources::changed_at.eq(now),
        resources::version.eq(resource.version),
        resources::as_of.eq(resource.as_of),
        resources::by_user.eq(resource.by_user),
        resources::by_client.eq(resource.by_client),
    );
    if resource.version == 1 {
        let unchanging = (
            resources::resource_type.eq(kind),
            resources::resource_id.eq(id),
            resources::created_at.eq(resource.created_at),
        );
        diesel::insert_into(resources::table)
            .values((unchanging, columns))
            .execute(conn)?;
    } else {
        diesel::update(resources::table.find((kind, id)))
            .set(columns)
            .execute(conn)?;
    }
    Ok(())
}

/// Lists the resources that changed since an instant of the database's clock, with their versions.
pub(in crate::assignments) fn list_changes_since(
    conn: &mut Connection,
    from: Timestamp,
) -> Result<Vec<(ResourceKey, i64)>> {
    let rows = resources::table
        .filter(resources::changed_at.ge(from))
        .select((
            resources::resource_type,
            resources::resource_id,
            resources::version,
        ))
        .load::<(String, String, i64)>(conn)?;
    rows.into_iter()
        .map(|(kind, id, version)| {
            let name = ResourceName::parse(&kind, &id)
                .map_err(|fault| Error::Internal(format!("stored resource name: {fault}")))?;
            Ok((name.key(), version))
        })
        .collect()
}
