//! SQL of `users`, `usernames`, `roles` and `user_roles` for many at once.

use diesel::prelude::*;
use serde_json::json;

use super::super::User;
use super::super::folded::{search_text, sort_name};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::bulk::{self, Cell};
use crate::db::schema::users;
use crate::db::{Connection, Result};

pub(in crate::users) fn has_people(conn: &mut Connection) -> Result<bool> {
    let first = users::table.select(users::id).first::<UserId>(conn);
    Ok(first.optional()?.is_some())
}

pub(in crate::users) fn insert_users(conn: &mut Connection, people: &[User]) -> Result<()> {
    let columns = [
        ("id", Cell::Uuid),
        ("username", Cell::Text),
        ("email", Cell::Text),
        ("email_state", Cell::Text),
        ("email_verified_at", Cell::Instant),
        ("display_name", Cell::Text),
        ("status", Cell::Text),
        ("attributes", Cell::Document),
        ("created_at", Cell::Instant),
        ("version", Cell::Number),
        ("as_of", Cell::Instant),
        ("sort_name", Cell::Text),
        ("search_text", Cell::Text),
    ];
    let row = |user: &User| {
        json!([
            bulk::uuid(user.id),
            user.username,
            user.email,
            user.email_state.as_str(),
            user.email_verified_at.map(bulk::instant),
            user.display_name,
            user.status.as_str(),
            user.attributes,
            bulk::instant(user.created_at),
            user.version,
            bulk::instant(user.as_of),
            sort_name(user),
            search_text(user),
        ])
    };
    bulk::insert(conn, "users", &columns, people.iter().map(row).collect())?;
    let columns = [("username", Cell::Text), ("user_id", Cell::Uuid)];
    let names = people
        .iter()
        .map(|user| json!([user.username, bulk::uuid(user.id)]));
    bulk::insert(conn, "usernames", &columns, names.collect())?;
    let columns = [("user_id", Cell::Uuid), ("role", Cell::Text)];
    let held = people.iter().flat_map(|user| {
        let roles = user.roles.iter();
        roles.map(|role| json!([bulk::uuid(user.id), role]))
    });
    bulk::insert(conn, "user_roles", &columns, held.collect())
}

pub(in crate::users) fn insert_roles(
    conn: &mut Connection,
    names: &[String],
    description: &str,
    at: Timestamp,
) -> Result<()> {
    let columns = [
        ("name", Cell::Text),
        ("description", Cell::Text),
        ("version", Cell::Number),
        ("as_of", Cell::Instant),
    ];
    let row = |name: &String| json!([name, description, 1, bulk::instant(at)]);
    bulk::insert(conn, "roles", &columns, names.iter().map(row).collect())
}
