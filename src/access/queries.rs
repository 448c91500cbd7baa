//! SQL of `grants` and `resources`.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Map, Value};

use super::held::Held;
use super::resource::{ResourceName, ResourceType};
use super::thing::Thing;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::schema::{grants, resources};
use crate::db::{Connection, Json, Result};
use crate::standing;

/// What a person holds on a thing, and the version of their standing as of which they do: read so that the version is never
/// newer than the roles. `None`: nobody.
pub(super) fn find_held(
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

/// What is registered of a thing.
pub(super) fn find_thing(conn: &mut Connection, name: &ResourceName) -> Result<Option<Thing>> {
    let row = resources::table
        .filter(resources::resource_type.eq(name.kind.as_str()))
        .filter(resources::resource_id.eq(name.id.as_str()))
        .filter(resources::deleted_at.is_null())
        .select((
            resources::title,
            resources::description,
            resources::attributes,
            resources::version,
        ))
        .first::<(Option<String>, Option<String>, Json<_>, i64)>(conn)
        .optional()?;
    Ok(row.map(|(title, description, attributes, version)| Thing {
        title,
        description,
        attributes: attributes.0,
        version,
    }))
}

/// A thing that a search looks at.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) attributes: Map<String, Value>,
    pub(super) held: Held,
}

/// What these people hold on a thing; who holds nothing is left out.
pub(super) fn list_held_by(
    conn: &mut Connection,
    users: &[UserId],
    resource: &ResourceName,
) -> Result<HashMap<UserId, Held>> {
    let rows = grants::table
        .filter(grants::user_id.eq_any(users.to_vec()))
        .filter(grants::resource_type.eq(resource.kind.as_str()))
        .filter(grants::resource_id.eq(resource.id.as_str()))
        .select((grants::user_id, grants::roles, grants::valid_until))
        .load::<(UserId, Json<Vec<String>>, Option<Timestamp>)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(user, roles, until)| (user, Held::new(roles.0, until)))
        .collect())
}

/// Registered things of a type in the order of their ids, and what somebody holds on each.
pub(super) fn list_registered(
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
        let found = grants::table
            .filter(grants::user_id.eq(holder))
            .filter(grants::resource_type.eq(kind.as_str()))
            .filter(grants::resource_id.eq_any(ids))
            .select((grants::resource_id, grants::roles, grants::valid_until))
            .load::<(String, Json<Vec<String>>, Option<Timestamp>)>(conn)?;
        held.extend(
            found
                .into_iter()
                .map(|(id, roles, until)| (id, Held::new(roles.0, until))),
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

/// Things of a type on which somebody holds something although nobody registered them, in the order of their ids.
pub(super) fn list_held_only(
    conn: &mut Connection,
    kind: &ResourceType,
    holder: UserId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let registered = resources::table
        .filter(resources::resource_type.eq(kind.as_str().to_owned()))
        .filter(resources::deleted_at.is_null())
        .select(resources::resource_id);
    let mut query = grants::table
        .filter(grants::user_id.eq(holder))
        .filter(grants::resource_type.eq(kind.as_str()))
        .order(grants::resource_id)
        .limit(limit)
        .select((grants::resource_id, grants::roles, grants::valid_until))
        .into_boxed()
        .filter(diesel::dsl::not(grants::resource_id.eq_any(registered)));
    if let Some(after) = after {
        query = query.filter(grants::resource_id.gt(after.to_owned()));
    }
    let rows = query.load::<(String, Json<Vec<String>>, Option<Timestamp>)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, roles, until)| Candidate {
            id,
            attributes: Map::new(),
            held: Held::new(roles.0, until),
        })
        .collect())
}
