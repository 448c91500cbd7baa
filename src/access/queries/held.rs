//! Queries for the roles of one user on resources.

use diesel::prelude::*;

use super::super::{Held, ResourceName};
use crate::base::clock::Timestamp;
use crate::base::ids::{GrantId, UserId};
use crate::db::schema::grants;
use crate::db::{Connection, Json, Result};
use crate::standing;

/// Whether a user holds roles on any resource. Expired assignments count, because they may be prolonged. The caller holds
/// the user's account.
pub fn holds_any(conn: &mut Connection, user: UserId) -> Result<bool> {
    let found = grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::roles.ne(Json(Vec::<String>::new())))
        .select(grants::id)
        .first::<GrantId>(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Reads a user's roles on a resource and the version of the user's account state. The version is read first, so that it is never
/// newer than the roles. Returns `None` if the user doesn't exist.
pub(in crate::access) fn find_held(
    conn: &mut Connection,
    user: UserId,
    resource: &ResourceName,
) -> Result<Option<(i64, Held)>> {
    let Some(version) = standing::find_version(conn, user)? else {
        return Ok(None);
    };
    let row = grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::resource_type.eq(resource.kind.as_str()))
        .filter(grants::resource_id.eq(resource.id.as_str()))
        .select((grants::roles, grants::valid_until))
        .first::<(Json<Vec<String>>, Option<Timestamp>)>(conn)
        .optional()?;
    let held = row.map(|(roles, until)| Held::new(roles.0, until));
    Ok(Some((version, held.unwrap_or_default())))
}
