//! Queries for the roles of one user on resources.

use diesel::prelude::*;

use super::super::{HeldRoles, ResourceName};
use crate::account_state;
use crate::base::clock::Timestamp;
use crate::base::ids::{RoleAssignmentId, UserId};
use crate::db::schema::role_assignments;
use crate::db::{Connection, Json, Result};

/// Whether a user holds roles on any resource. Expired assignments count, because they may be prolonged. The caller holds
/// the user's account.
pub fn has_any_assignment(conn: &mut Connection, user: UserId) -> Result<bool> {
    let found = role_assignments::table
        .filter(role_assignments::user_id.eq(user))
        .filter(role_assignments::roles.ne(Json(Vec::<String>::new())))
        .select(role_assignments::id)
        .first::<RoleAssignmentId>(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Reads a user's roles on a resource and the version of the user's account state. The version is read first, so that it is never
/// newer than the roles. Returns `None` if the user doesn't exist.
pub(in crate::assignments) fn find_held_roles(
    conn: &mut Connection,
    user: UserId,
    resource: &ResourceName,
) -> Result<Option<(i64, HeldRoles)>> {
    let Some(version) = account_state::find_version(conn, user)? else {
        return Ok(None);
    };
    let row = role_assignments::table
        .filter(role_assignments::user_id.eq(user))
        .filter(role_assignments::resource_type.eq(resource.kind.as_str()))
        .filter(role_assignments::resource_id.eq(resource.id.as_str()))
        .select((role_assignments::roles, role_assignments::valid_until))
        .first::<(Json<Vec<String>>, Option<Timestamp>)>(conn)
        .optional()?;
    let held = row.map(|(roles, until)| HeldRoles::new(roles.0, until));
    Ok(Some((version, held.unwrap_or_default())))
}
