//! SQL of `users`, `usernames`, `user_roles`.

use std::collections::BTreeSet;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde_json::{Map, Value};

use super::super::search_names::{search_text, sort_name};
use super::super::{EmailState, User, UserCursor, UserFilter, UserListPosition};
use crate::account_state::UserStatus;
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::base::text_folding::fold;
use crate::db::schema::{user_roles, usernames, users};
use crate::db::{Connection, Error, Json, Result};
use crate::history::Author;

type Row = (
    UserId,
    String,
    Option<String>,
    String,
    Option<Timestamp>,
    Option<UserId>,
    String,
    String,
    Json<Map<String, Value>>,
    Timestamp,
    i64,
    Timestamp,
    Option<UserId>,
    Option<ClientId>,
    // `sort_name` and `search_text`, which only filters and orders use.
    Option<String>,
    Option<String>,
);

fn user(conn: &mut Connection, row: Row) -> Result<User> {
    let status = UserStatus::parse(&row.7)
        .ok_or_else(|| Error::Internal(format!("unknown user status: {}", row.7)))?;
    let email_state = EmailState::parse(&row.3)
        .ok_or_else(|| Error::Internal(format!("unknown email state: {}", row.3)))?;
    Ok(User {
        id: row.0,
        username: row.1,
        email: row.2,
        email_state,
        email_verified_at: row.4,
        email_verified_by: row.5,
        display_name: row.6,
        status,
        attributes: row.8.0,
        roles: list_roles(conn, row.0)?,
        created_at: row.9,
        version: row.10,
        as_of: row.11,
    })
}

/// Finds a user.
pub fn find_user(conn: &mut Connection, id: UserId) -> Result<Option<User>> {
    let row = users::table.find(id).first::<Row>(conn).optional()?;
    row.map(|row| user(conn, row)).transpose()
}

pub fn find_id_by_username(conn: &mut Connection, username: &str) -> Result<Option<UserId>> {
    Ok(users::table
        .filter(users::username.eq(username))
        .select(users::id)
        .first(conn)
        .optional()?)
}

/// Finds the user who has or had a username.
pub fn find_by_any_username(conn: &mut Connection, username: &str) -> Result<Option<UserId>> {
    Ok(usernames::table
        .find(username)
        .select(usernames::user_id)
        .first(conn)
        .optional()?)
}

/// Reserves a username for a user until it is released; [`Error::Taken`] if another user has or had it. `renamed_at` is `None` for
/// the user's first username.
pub fn claim_username(
    conn: &mut Connection,
    user: UserId,
    username: &str,
    renamed_at: Option<Timestamp>,
) -> Result<()> {
    if find_by_any_username(conn, username)? == Some(user) {
        return Ok(());
    }
    diesel::insert_into(usernames::table)
        .values((
            usernames::username.eq(username),
            usernames::user_id.eq(user),
            usernames::renamed_at.eq(renamed_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Counts the usernames that a user was given by renaming since `since`.
pub fn count_renames(conn: &mut Connection, user: UserId, since: Timestamp) -> Result<i64> {
    Ok(usernames::table
        .filter(usernames::user_id.eq(user))
        .filter(usernames::renamed_at.gt(since))
        .count()
        .get_result(conn)?)
}

/// Records the first time that a session was opened under a username, in the transaction that opens it.
pub fn mark_username_used(conn: &mut Connection, username: &str, now: Timestamp) -> Result<()> {
    diesel::update(usernames::table.find(username))
        .filter(usernames::used_at.is_null())
        .set(usernames::used_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Lists the current and former usernames of a user, sorted.
pub fn list_usernames(conn: &mut Connection, user: UserId) -> Result<Vec<UsernameRow>> {
    Ok(usernames::table
        .filter(usernames::user_id.eq(user))
        .order(usernames::username)
        .select((
            usernames::username,
            usernames::renamed_at,
            usernames::used_at,
        ))
        .load(conn)?)
}

/// A username, when its user was renamed to it, and when a session was first opened under it.
pub type UsernameRow = (String, Option<Timestamp>, Option<Timestamp>);

/// Releases a former username that its user never signed in with. Returns whether it did.
pub fn delete_unused_username(conn: &mut Connection, user: UserId, username: &str) -> Result<bool> {
    let present = users::table.filter(users::username.eq(username));
    let deleted = diesel::delete(usernames::table.find(username))
        .filter(usernames::user_id.eq(user))
        .filter(usernames::used_at.is_null())
        .filter(not(exists(present)))
        .execute(conn)?;
    Ok(deleted == 1)
}

/// The users whom a manager may manage: users who hold at least one of these roles and no others.
pub struct ManagedUsers<'a> {
    pub roles: &'a BTreeSet<String>,
    /// The manager, who may not manage their own account.
    pub except: UserId,
}

pub fn list_users(
    conn: &mut Connection,
    filter: &UserFilter,
    managed_by: Option<&ManagedUsers<'_>>,
    limit: i64,
) -> Result<Vec<User>> {
    let mut query = users::table.limit(limit).into_boxed();
    if let Some(username) = &filter.username {
        query = query.filter(users::username.eq(username.clone()));
    }
    if let Some(email) = &filter.email {
        query = query.filter(users::email.eq(email.clone()));
    }
    if let Some(role) = &filter.role {
        let holders = user_roles::table
            .filter(user_roles::role.eq(role.clone()))
            .select(user_roles::user_id);
        query = query.filter(users::id.eq_any(holders));
    }
    if let Some(search) = &filter.search {
        // Line breaks separate the fields, so a search without them never matches across fields.
        let search = fold(search).replace('\n', " ");
        let pattern = format!("%{}%", escape_like(&search));
        let text = users::search_text.assume_not_null();
        query = query.filter(
            users::search_text
                .is_not_null()
                .and(text.like(pattern).escape('!')),
        );
    }
    let name = users::sort_name.assume_not_null();
    // The first comparison of each is implied by the second, but lets the database use the index.
    query = match &filter.from {
        UserListPosition::Start => query,
        UserListPosition::After(UserCursor { sort_name, id }) => query
            .filter(name.ge(sort_name.clone()))
            .filter(name.gt(sort_name.clone()).or(users::id.gt(*id))),
        UserListPosition::Before(UserCursor { sort_name, id }) => query
            .filter(name.le(sort_name.clone()))
            .filter(name.lt(sort_name.clone()).or(users::id.lt(*id))),
    };
    query = match &filter.from {
        UserListPosition::Before(_) => query.order((users::sort_name.desc(), users::id.desc())),
        UserListPosition::Start | UserListPosition::After(_) => {
            query.order((users::sort_name, users::id))
        }
    };
    if let Some(manager) = managed_by {
        let managed: Vec<String> = manager.roles.iter().cloned().collect();
        // A separate subquery on the index by role, so that a few users among a million are found without reading every user.
        let holders = user_roles::table
            .filter(user_roles::role.eq_any(managed.clone()))
            .select(user_roles::user_id);
        let other_roles = user_roles::table
            .filter(user_roles::user_id.eq(users::id))
            .filter(user_roles::role.ne_all(managed));
        query = query
            .filter(users::id.ne(manager.except))
            .filter(users::id.eq_any(holders))
            .filter(not(exists(other_roles)));
    }
    let mut rows = query.load::<Row>(conn)?;
    if matches!(filter.from, UserListPosition::Before(_)) {
        rows.reverse();
    }
    rows.into_iter().map(|row| user(conn, row)).collect()
}

/// Lists users whose names are not folded yet.
pub fn list_without_search_names(conn: &mut Connection, limit: i64) -> Result<Vec<User>> {
    let rows = users::table
        .filter(users::search_text.is_null())
        .order(users::id)
        .limit(limit)
        .load::<Row>(conn)?;
    rows.into_iter().map(|row| user(conn, row)).collect()
}

/// Stores the folded names of a user who has none. Does nothing if a concurrent change of the user stored them already.
pub fn set_search_names(conn: &mut Connection, user: &User) -> Result<()> {
    let unfolded = users::table
        .find(user.id)
        .filter(users::search_text.is_null());
    diesel::update(unfolded)
        .set((
            users::sort_name.eq(sort_name(user)),
            users::search_text.eq(search_text(user)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Lists the IDs of active users in ascending order, after the given one.
pub fn list_ids(conn: &mut Connection, after: Option<UserId>, limit: i64) -> Result<Vec<UserId>> {
    let mut query = users::table
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .order(users::id)
        .limit(limit)
        .select(users::id)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(users::id.gt(after));
    }
    Ok(query.load(conn)?)
}

/// Escapes the wildcards of LIKE with `!`.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(letter);
    }
    escaped
}

/// Inserts the first version of a user, or updates the row to a later one.
pub fn store_version(conn: &mut Connection, user: &User, author: &Author) -> Result<()> {
    let columns = (
        users::username.eq(&user.username),
        users::email.eq(user.email.as_deref()),
        users::email_state.eq(user.email_state.as_str()),
        users::email_verified_at.eq(user.email_verified_at),
        users::email_verified_by.eq(user.email_verified_by),
        users::display_name.eq(&user.display_name),
        users::status.eq(user.status.as_str()),
        users::attributes.eq(Json(user.attributes.clone())),
        users::version.eq(user.version),
        users::as_of.eq(user.as_of),
        users::by_user.eq(author.user()),
        users::by_client.eq(author.client()),
        users::sort_name.eq(sort_name(user)),
        users::search_text.eq(search_text(user)),
    );
    if user.version == 1 {
        let unchanging = (users::id.eq(user.id), users::created_at.eq(user.created_at));
        diesel::insert_into(users::table)
            .values((unchanging, columns))
            .execute(conn)?;
    } else {
        diesel::update(users::table.find(user.id))
            .set(columns)
            .execute(conn)?;
    }
    Ok(())
}

fn list_roles(conn: &mut Connection, user: UserId) -> Result<Vec<String>> {
    Ok(user_roles::table
        .filter(user_roles::user_id.eq(user))
        .order(user_roles::role)
        .select(user_roles::role)
        .load(conn)?)
}

/// Replaces the roles of a user.
pub fn set_roles(conn: &mut Connection, user: UserId, roles: &[String]) -> Result<()> {
    let held = list_roles(conn, user)?;
    for role in held.iter().filter(|role| !roles.contains(role)) {
        diesel::delete(user_roles::table.find((user, role))).execute(conn)?;
    }
    for role in roles.iter().filter(|role| !held.contains(role)) {
        diesel::insert_into(user_roles::table)
            .values((user_roles::user_id.eq(user), user_roles::role.eq(role)))
            .execute(conn)?;
    }
    Ok(())
}

/// Lists the active users who hold a role.
pub fn list_active_holders(conn: &mut Connection, role: &str) -> Result<Vec<UserId>> {
    Ok(user_roles::table
        .inner_join(users::table)
        .filter(user_roles::role.eq(role))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .select(users::id)
        .load(conn)?)
}
