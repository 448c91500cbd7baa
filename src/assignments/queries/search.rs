//! Queries for searches: users' roles on a resource, and resources of a type.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Map, Value};

use crate::assignments::{HeldRoles, ResourceName, ResourceType};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::schema::{resources, role_assignments};
use crate::db::{Connection, Json, Result};

/// A resource that a search evaluates.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// ID of the resource.
    pub id: String,
    /// Registered attributes; empty if it isn't registered.
    pub attributes: Map<String, Value>,
    /// Roles of the searched user on it.
    pub held: HeldRoles,
}

/// Reads the roles of several users on a resource. Users without an assignment are omitted.
pub fn list_held_by(
    conn: &mut Connection,
    users: &[UserId],
    resource: &ResourceName,
) -> Result<HashMap<UserId, HeldRoles>> {
    let rows = role_assignments::table
        .filter(role_assignments::user_id.eq_any(users.to_vec()))
        .filter(role_assignments::resource_type.eq(resource.kind.as_str()))
        .filter(role_assignments::resource_id.eq(resource.id.as_str()))
        .select((
            role_assignments::user_id,
            role_assignments::roles,
            role_assignments::valid_until,
        ))
        .load::<(UserId, Json<Vec<String>>, Option<Timestamp>)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(user, roles, until)| (user, HeldRoles::new(roles.0, until)))
        .collect())
}

/// Lists registered resources of a type, ordered by ID, with the holder's roles on each.
pub fn list_registered(
    conn: &mut Connection,
    kind: &ResourceType,
    holder: Option<UserId>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let mut query = resources::table
        .filter(resources::resource_type.eq(kind.as_str()))
        .filter(resources::deleted_at.is_null())
        .order(resources::resource_id)
        .limit(limit)
        .select((resources::resource_id, resources::attributes))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(resources::resource_id.gt(after.to_owned()));
    }
    let rows = query.load::<(String, Json<Map<String, Value>>)>(conn)?;
    let mut held = HashMap::new();
    if let Some(holder) = holder {
        let ids: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
        let found = role_assignments::table
            .filter(role_assignments::user_id.eq(holder))
            .filter(role_assignments::resource_type.eq(kind.as_str()))
            .filter(role_assignments::resource_id.eq_any(ids))
            .select((
                role_assignments::resource_id,
                role_assignments::roles,
                role_assignments::valid_until,
            ))
            .load::<(String, Json<Vec<String>>, Option<Timestamp>)>(conn)?;
        held.extend(
            found
                .into_iter()
                .map(|(id, roles, until)| (id, HeldRoles::new(roles.0, until))),
        );
    }
    Ok(rows
        .into_iter()
        .map(|(id, attributes)| Candidate {
            held: held.remove(&id).unwrap_or_default(),
            attributes: attributes.0,
            id,
        })
        .collect())
}

/// Lists resources of a type that aren't registered but on which a user holds live roles at an instant of the application's
/// clock, ordered by ID.
pub fn list_held_only(
    conn: &mut Connection,
    kind: &ResourceType,
    holder: UserId,
    now: Timestamp,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let registered = resources::table
        .filter(resources::resource_type.eq(kind.as_str().to_owned()))
        .filter(resources::deleted_at.is_null())
        .select(resources::resource_id);
    let mut query = role_assignments::table
        .filter(role_assignments::user_id.eq(holder))
        .filter(role_assignments::resource_type.eq(kind.as_str()))
        .filter(role_assignments::roles.ne(Json(Vec::<String>::new())))
        .filter(
            role_assignments::valid_until
                .is_null()
                .or(role_assignments::valid_until.assume_not_null().gt(now)),
        )
        .order(role_assignments::resource_id)
        .limit(limit)
        .select((
            role_assignments::resource_id,
            role_assignments::roles,
            role_assignments::valid_until,
        ))
        .into_boxed()
        .filter(diesel::dsl::not(
            role_assignments::resource_id.eq_any(registered),
        ));
    if let Some(after) = after {
        query = query.filter(role_assignments::resource_id.gt(after.to_owned()));
    }
    let rows = query.load::<(String, Json<Vec<String>>, Option<Timestamp>)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, roles, until)| Candidate {
            id,
            attributes: Map::new(),
            held: HeldRoles::new(roles.0, until),
        })
        .collect())
}
