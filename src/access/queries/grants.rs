//! Queries on the table `grants`.

use diesel::prelude::*;

use super::super::list::GrantFilter;
use super::super::{Grant, ResourceName};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, GrantId, UserId};
use crate::db::portable::holds_text;
use crate::db::schema::grants;
use crate::db::{Connection, Error, Json, Result};

type Row = (
    GrantId,
    UserId,
    String,
    String,
    Json<Vec<String>>,
    Option<String>,
    Option<String>,
    Option<Timestamp>,
    Timestamp,
    i64,
    Timestamp,
    Option<UserId>,
    Option<ClientId>,
);

fn grant(row: Row) -> Result<Grant> {
    let name = ResourceName::parse(&row.2, &row.3)
        .map_err(|fault| Error::Refused(format!("stored resource name: {fault}")))?;
    Ok(Grant {
        id: row.0,
        user_id: row.1,
        resource_type: name.kind,
        resource_id: name.id,
        roles: row.4.0,
        title: row.5,
        description: row.6,
        valid_until: row.7,
        created_at: row.8,
        version: row.9,
        as_of: row.10,
        by_user: row.11,
        by_client: row.12,
    })
}

/// Reads an assignment, also a withdrawn one.
pub(in crate::access) fn find_grant(conn: &mut Connection, id: GrantId) -> Result<Option<Grant>> {
    let row = grants::table.find(id).first::<Row>(conn).optional()?;
    row.map(grant).transpose()
}

/// Reads the assignment of a user on a resource, also a withdrawn one.
pub(in crate::access) fn find_grant_of(
    conn: &mut Connection,
    user: UserId,
    resource: &ResourceName,
) -> Result<Option<Grant>> {
    let row = grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::resource_type.eq(resource.kind.as_str()))
        .filter(grants::resource_id.eq(resource.id.as_str()))
        .first::<Row>(conn)
        .optional()?;
    row.map(grant).transpose()
}

/// Inserts the first version. The caller holds the user's lock.
pub(in crate::access) fn insert_grant(conn: &mut Connection, grant: &Grant) -> Result<()> {
    diesel::insert_into(grants::table)
        .values((
            grants::id.eq(grant.id),
            grants::user_id.eq(grant.user_id),
            grants::resource_type.eq(grant.resource_type.as_str()),
            grants::resource_id.eq(grant.resource_id.as_str()),
            grants::roles.eq(Json(grant.roles.clone())),
            grants::title.eq(grant.title.as_deref()),
            grants::description.eq(grant.description.as_deref()),
            grants::valid_until.eq(grant.valid_until),
            grants::created_at.eq(grant.created_at),
            grants::version.eq(grant.version),
            grants::as_of.eq(grant.as_of),
            grants::by_user.eq(grant.by_user),
            grants::by_client.eq(grant.by_client),
        ))
        .execute(conn)?;
    Ok(())
}

/// Updates the row to the next version. The caller holds the user's lock.
pub(in crate::access) fn update_grant(conn: &mut Connection, grant: &Grant) -> Result<()> {
    diesel::update(grants::table.find(grant.id))
        .set((
            grants::roles.eq(Json(grant.roles.clone())),
            grants::title.eq(grant.title.as_deref()),
            grants::description.eq(grant.description.as_deref()),
            grants::valid_until.eq(grant.valid_until),
            grants::version.eq(grant.version),
            grants::as_of.eq(grant.as_of),
            grants::by_user.eq(grant.by_user),
            grants::by_client.eq(grant.by_client),
        ))
        .execute(conn)?;
    Ok(())
}

type Query<'a> = grants::BoxedQuery<'a, <Connection as diesel::Connection>::Backend>;

/// Applies the filter's conditions on immutable columns, its order and its cursor.
fn taken<'a>(filter: &GrantFilter, limit: i64) -> Query<'a> {
    let mut query = grants::table.limit(limit).into_boxed();
    if let Some(user) = filter.user {
        query = query.filter(grants::user_id.eq(user));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(grants::resource_type.eq(kind.as_str().to_owned()));
    }
    if let Some(id) = &filter.id {
        query = query.filter(grants::resource_id.eq(id.as_str().to_owned()));
    }
    if let Some(kinds) = &filter.of_types {
        let kinds: Vec<String> = kinds.iter().cloned().collect();
        query = query.filter(grants::resource_type.eq_any(kinds));
    }
    if filter.is_one_thing() {
        let after = filter.after.map(UserId::from_uuid);
        query = query.order(grants::user_id);
        if let Some(after) = after {
            query = query.filter(grants::user_id.gt(after));
        }
    } else {
        let after = filter.after.map(GrantId::from_uuid);
        query = query.order(grants::id);
        if let Some(after) = after {
            query = query.filter(grants::id.gt(after));
        }
    }
    query
}

/// Lists the assignments that are live at an instant of the application's clock.
pub(in crate::access) fn list_live(
    conn: &mut Connection,
    filter: &GrantFilter,
    today: Timestamp,
    limit: i64,
) -> Result<Vec<Grant>> {
    let mut query = taken(filter, limit)
        .filter(grants::roles.ne(Json(Vec::<String>::new())))
        .filter(
            grants::valid_until
                .is_null()
                .or(grants::valid_until.assume_not_null().gt(today)),
        );
    if let Some(role) = &filter.role {
        let role = role.as_str().to_owned();
        query = query.filter(holds_text(conn, "\"grants\".\"roles\"", role));
    }
    let rows = query.load::<Row>(conn)?;
    rows.into_iter().map(grant).collect()
}

/// Lists all assignments, also withdrawn ones: ID, user, and time of creation.
pub(in crate::access) fn list_ever(
    conn: &mut Connection,
    filter: &GrantFilter,
    limit: i64,
) -> Result<Vec<(GrantId, UserId, Timestamp)>> {
    Ok(taken(filter, limit)
        .select((grants::id, grants::user_id, grants::created_at))
        .load(conn)?)
}
