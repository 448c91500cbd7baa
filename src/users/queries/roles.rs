//! SQL of `roles`.

use diesel::prelude::*;

use super::super::Role;
use crate::base::clock::Timestamp;
use crate::db::portable::ForUpdate;
use crate::db::schema::{roles, user_roles};
use crate::db::{Connection, Json, Result};
use crate::history::Author;

type Row = (
    String,
    String,
    Json<Vec<String>>,
    Json<Vec<String>>,
    i64,
    Timestamp,
);

#[diesel::dsl::auto_type(no_type_alias)]
fn columns() -> _ {
    (
        roles::name,
        roles::description,
        roles::manages_roles,
        roles::manages_assignments_on,
        roles::version,
        roles::as_of,
    )
}

fn role(row: Row) -> Role {
    Role {
        name: row.0,
        description: row.1,
        manages_roles: row.2.0,
        manages_assignments_on: row.3.0,
        version: row.4,
        as_of: row.5,
    }
}

/// Finds a role that is not deleted.
pub fn find_role(conn: &mut Connection, name: &str) -> Result<Option<Role>> {
    let row = roles::table
        .find(name)
        .filter(roles::deleted_at.is_null())
        .select(columns())
        .first::<Row>(conn)
        .optional()?;
    Ok(row.map(role))
}

/// Locks the row of a role, even of a deleted one, until the transaction ends. Returns the role, and whether it exists.
pub fn lock_role(conn: &mut Connection, name: &str) -> Result<Option<(Role, bool)>> {
    let query = roles::table
        .find(name)
        .select((columns(), roles::deleted_at.is_null()));
    let row = ForUpdate(query)
        .get_result::<(Row, bool)>(conn)
        .optional()?;
    Ok(row.map(|(row, is_there)| (role(row), is_there)))
}

/// Locks the rows of these roles until the transaction ends, so that they can be neither deleted nor changed. Locks in order of
/// name, so that no two transactions deadlock. Returns the first role that doesn't exist.
pub fn lock_roles(conn: &mut Connection, names: &[String]) -> Result<Option<String>> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let is_there = lock_role(conn, &name)?.is_some_and(|(_, is_there)| is_there);
        if !is_there {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Returns the first of these roles that doesn't exist.
pub fn missing_role(conn: &mut Connection, names: &[String]) -> Result<Option<String>> {
    if names.is_empty() {
        return Ok(None);
    }
    let known = roles::table
        .filter(roles::name.eq_any(names.to_vec()))
        .filter(roles::deleted_at.is_null())
        .select(roles::name)
        .load::<String>(conn)?;
    Ok(names.iter().find(|name| !known.contains(name)).cloned())
}

/// Lists at most `limit` roles in order of name, after the role `after`.
pub fn list_page(conn: &mut Connection, after: Option<&str>, limit: i64) -> Result<Vec<Role>> {
    let mut query = roles::table
        .filter(roles::deleted_at.is_null())
        .order(roles::name)
        .select(columns())
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(roles::name.gt(after.to_owned()));
    }
    let rows = query.load::<Row>(conn)?;
    Ok(rows.into_iter().map(role).collect())
}

/// Lists what each of these roles lets its holders manage: roles, and resource types.
pub fn list_managed(
    conn: &mut Connection,
    held: &[String],
) -> Result<Vec<(Vec<String>, Vec<String>)>> {
    let rows = roles::table
        .filter(roles::name.eq_any(held.to_vec()))
        .filter(roles::deleted_at.is_null())
        .select((roles::manages_roles, roles::manages_assignments_on))
        .load::<(Json<Vec<String>>, Json<Vec<String>>)>(conn)?;
    Ok(rows.into_iter().map(|row| (row.0.0, row.1.0)).collect())
}

/// Lists the other roles whose holders may manage a role.
pub fn list_managers(conn: &mut Connection, name: &str) -> Result<Vec<String>> {
    let rows = roles::table
        .filter(roles::name.ne(name))
        .filter(roles::deleted_at.is_null())
        .order(roles::name)
        .select((roles::name, roles::manages_roles))
        .load::<(String, Json<Vec<String>>)>(conn)?;
    let manages = |managed: &Json<Vec<String>>| managed.0.iter().any(|managed| managed == name);
    Ok(rows
        .into_iter()
        .filter(|(_, managed)| manages(managed))
        .map(|(manager, _)| manager)
        .collect())
}

/// Counts the users who hold a role, whatever their status.
pub fn count_holders(conn: &mut Connection, name: &str) -> Result<i64> {
    Ok(user_roles::table
        .filter(user_roles::role.eq(name))
        .count()
        .get_result(conn)?)
}

/// Inserts the first version of a role, or updates the row to a later one. `deleted_at` is `None` for a role that exists, or is
/// created again.
pub fn store_role(
    conn: &mut Connection,
    role: &Role,
    deleted_at: Option<Timestamp>,
    author: &Author,
) -> Result<()> {
    let columns = (
        roles::description.eq(&role.description),
        roles::manages_roles.eq(Json(role.manages_roles.clone())),
        roles::manages_assignments_on.eq(Json(role.manages_assignments_on.clone())),
        roles::deleted_at.eq(deleted_at),
        roles::version.eq(role.version),
        roles::as_of.eq(role.as_of),
        roles::by_user.eq(author.user()),
        roles::by_client.eq(author.client()),
    );
    if role.version == 1 {
        diesel::insert_into(roles::table)
            .values((roles::name.eq(&role.name), columns))
            .execute(conn)?;
    } else {
        diesel::update(roles::table.find(&role.name))
            .set(columns)
            .execute(conn)?;
    }
    Ok(())
}
