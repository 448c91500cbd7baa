//! Queries on the table `role_assignments`.

use diesel::prelude::*;

use super::super::list::RoleAssignmentFilter;
use super::super::{ResourceName, RoleAssignment};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, RoleAssignmentId, UserId};
use crate::db::portable::contains_text;
use crate::db::schema::role_assignments;
use crate::db::{Connection, Error, Json, Result};

type Row = (
    RoleAssignmentId,
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

fn assignment(row: Row) -> Result<RoleAssignment> {
    let name = ResourceName::parse(&row.2, &row.3)
        .map_err(|fault| Error::Internal(format!("stored resource name: {fault}")))?;
    Ok(RoleAssignment {
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

/// Reads an assignment, also a deleted one.
pub(in crate::assignments) fn find_assignment(
    conn: &mut Connection,
    id: RoleAssignmentId,
) -> Result<Option<RoleAssignment>> {
    let row = role_assignments::table
        .find(id)
        .first::<Row>(conn)
        .optional()?;
    row.map(assignment).transpose()
}

/// Reads the assignment of a user on a resource, also a deleted one.
pub(in crate::assignments) fn find_assignment_of(
    conn: &mut Connection,
    user: UserId,
    resource: &ResourceName,
) -> Result<Option<RoleAssignment>> {
    let row = role_assignments::table
        .filter(role_assignments::user_id.eq(user))
        .filter(role_assignments::resource_type.eq(resource.kind.as_str()))
        .filter(role_assignments::resource_id.eq(resource.id.as_str()))
        .first::<Row>(conn)
        .optional()?;
    row.map(assignment).transpose()
}

/// Inserts the first version of an assignment, or updates the row to a later one. The caller holds the user's lock.
pub(in crate::assignments) fn store_assignment(
    conn: &mut Connection,
    assignment: &RoleAssignment,
) -> Result<()> {
    let columns = (
        role_assignments::roles.eq(Json(assignment.roles.clone())),
        role_assignments::title.eq(assignment.title.as_deref()),
        role_assignments::description.eq(assignment.description.as_deref()),
        role_assignments::valid_until.eq(assignment.valid_until),
        role_assignments::version.eq(assignment.version),
        role_assignments::as_of.eq(assignment.as_of),
        role_assignments::by_user.eq(assignment.by_user),
        role_assignments::by_client.eq(assignment.by_client),
    );
    if assignment.version == 1 {
        let unchanging = (
            role_assignments::id.eq(assignment.id),
            role_assignments::user_id.eq(assignment.user_id),
            role_assignments::resource_type.eq(assignment.resource_type.as_str()),
            role_assignments::resource_id.eq(assignment.resource_id.as_str()),
            role_assignments::created_at.eq(assignment.created_at),
        );
        diesel::insert_into(role_assignments::table)
            .values((unchanging, columns))
            .execute(conn)?;
    } else {
        diesel::update(role_assignments::table.find(assignment.id))
            .set(columns)
            .execute(conn)?;
    }
    Ok(())
}

type Query<'a> = role_assignments::BoxedQuery<'a, <Connection as diesel::Connection>::Backend>;

/// Applies the filter's conditions on immutable columns, its order and its cursor.
fn matching<'a>(filter: &RoleAssignmentFilter, limit: i64) -> Query<'a> {
    let mut query = role_assignments::table.limit(limit).into_boxed();
    if let Some(user) = filter.user {
        query = query.filter(role_assignments::user_id.eq(user));
    }
    if let Some(kind) = &filter.resource_type {
        query = query.filter(role_assignments::resource_type.eq(kind.as_str().to_owned()));
    }
    if let Some(id) = &filter.resource_id {
        query = query.filter(role_assignments::resource_id.eq(id.as_str().to_owned()));
    }
    if let Some(types) = &filter.visible_types {
        let types: Vec<String> = types.iter().cloned().collect();
        query = query.filter(role_assignments::resource_type.eq_any(types));
    }
    if filter.is_one_resource() {
        query = query.order(role_assignments::user_id);
        if let Some(after) = filter.after {
            query = query.filter(role_assignments::user_id.gt(UserId::from_uuid(after)));
        }
    } else {
        query = query.order(role_assignments::id);
        if let Some(after) = filter.after {
            query = query.filter(role_assignments::id.gt(RoleAssignmentId::from_uuid(after)));
        }
    }
    query
}

/// Lists the assignments that are live at an instant of the application's clock.
pub(in crate::assignments) fn list_live(
    conn: &mut Connection,
    filter: &RoleAssignmentFilter,
    today: Timestamp,
    limit: i64,
) -> Result<Vec<RoleAssignment>> {
    let mut query = matching(filter, limit)
        .filter(role_assignments::roles.ne(Json(Vec::<String>::new())))
        .filter(
            role_assignments::valid_until
                .is_null()
                .or(role_assignments::valid_until.assume_not_null().gt(today)),
        );
    if let Some(role) = &filter.role {
        let role = role.as_str().to_owned();
        query = query.filter(contains_text(conn, "\"role_assignments\".\"roles\"", role));
    }
    let rows = query.load::<Row>(conn)?;
    rows.into_iter().map(assignment).collect()
}

/// Lists all assignments, also deleted ones: ID, user, and time of creation.
pub(in crate::assignments) fn list_ever(
    conn: &mut Connection,
    filter: &RoleAssignmentFilter,
    limit: i64,
) -> Result<Vec<(RoleAssignmentId, UserId, Timestamp)>> {
    Ok(matching(filter, limit)
        .select((
            role_assignments::id,
            role_assignments::user_id,
            role_assignments::created_at,
        ))
        .load(conn)?)
}
