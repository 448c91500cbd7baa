//! SQL of `standings` and of the view that builds the records.

use std::collections::HashMap;

use diesel::prelude::*;

use super::Standing;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::portable::ForUpdate;
use crate::db::schema::{standing_records, standings};
use crate::db::{Connection, Database, Json, Result};

/// Reads the account state of a user, together with its version, in one statement.
pub fn find_record(conn: &mut Connection, user: UserId) -> Result<Option<Standing>> {
    let record = standing_records::table
        .filter(standing_records::user_id.eq(user))
        .select(standing_records::record)
        .first::<Json<Standing>>(conn)
        .optional()?;
    Ok(record.map(|Json(record)| record))
}

/// Reads the account states of several users. Users that don't exist are left out.
pub fn find_records(conn: &mut Connection, users: &[UserId]) -> Result<HashMap<UserId, Standing>> {
    let records = standing_records::table
        .filter(standing_records::user_id.eq_any(users.to_vec()))
        .select(standing_records::record)
        .load::<Json<Standing>>(conn)?;
    Ok(records
        .into_iter()
        .map(|Json(record)| (record.user_id, record))
        .collect())
}

/// Creates the row of a new user, with version 1.
pub fn insert(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<()> {
    diesel::insert_into(standings::table)
        .values((
            standings::user_id.eq(user),
            standings::version.eq(1),
            standings::session_epoch.eq(0),
            standings::moved_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Increments the version, in a change that already holds the lock. Returns `false` if the user doesn't exist.
pub fn raise(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<bool> {
    let raised = diesel::update(standings::table.find(user))
        .set((
            standings::version.eq(standings::version + 1),
            standings::moved_at.eq(now),
        ))
        .execute(conn)?;
    Ok(raised == 1)
}

/// Locks the row and increments the version, as the first step of every change of the account state. Reads the database's clock
/// after locking, so that a change that waited for another one gets a later time. Returns `None` if the user doesn't exist.
pub fn begin_change(
    conn: &mut Connection,
    database: &Database,
    user: UserId,
) -> Result<Option<Timestamp>> {
    if !lock(conn, user)? {
        return Ok(None);
    }
    let now = database.now(conn)?;
    raise(conn, user, now)?;
    Ok(Some(now))
}

/// Increments the version as [`raise`] does, and the session epoch, which ends all sessions of the user in one step.
pub fn raise_epoch(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<bool> {
    let raised = diesel::update(standings::table.find(user))
        .set((
            standings::version.eq(standings::version + 1),
            standings::session_epoch.eq(standings::session_epoch + 1),
            standings::moved_at.eq(now),
        ))
        .execute(conn)?;
    Ok(raised == 1)
}

/// Returns the user's current session epoch; `None` if the user doesn't exist.
pub fn find_epoch(conn: &mut Connection, user: UserId) -> Result<Option<i64>> {
    Ok(standings::table
        .find(user)
        .select(standings::session_epoch)
        .first(conn)
        .optional()?)
}

/// Returns the current version of the account state; `None` if the user doesn't exist.
pub fn find_version(conn: &mut Connection, user: UserId) -> Result<Option<i64>> {
    Ok(standings::table
        .find(user)
        .select(standings::version)
        .first(conn)
        .optional()?)
}

/// Locks the row without incrementing the version: for work that must not run concurrently with a change but makes none (a
/// sign-in). Returns `false` if the user doesn't exist.
pub fn lock(conn: &mut Connection, user: UserId) -> Result<bool> {
    let query = standings::table.find(user).select(standings::version);
    Ok(ForUpdate(query)
        .get_result::<i64>(conn)
        .optional()?
        .is_some())
}

/// Locks the row as [`lock`] does, together with that of the acting user, if there is one: the actor's permissions can't be
/// withdrawn before this transaction ends. Locks both in one statement, so that two users who act on each other don't deadlock.
pub fn lock_with(conn: &mut Connection, user: UserId, actor: Option<UserId>) -> Result<bool> {
    match actor {
        Some(actor) if actor != user => Ok(lock_all(conn, &[user, actor])?.contains(&user)),
        _ => lock(conn, user),
    }
}

/// Lists the users whose account state changed since a time of the database's clock, and the versions.
pub fn list_moved_since(conn: &mut Connection, from: Timestamp) -> Result<Vec<(UserId, i64)>> {
    Ok(standings::table
        .filter(standings::moved_at.ge(from))
        .select((standings::user_id, standings::version))
        .load(conn)?)
}

/// Locks the rows of several users, in the order of their IDs to avoid deadlocks. Returns those that exist.
pub fn lock_all(conn: &mut Connection, users: &[UserId]) -> Result<Vec<UserId>> {
    let query = standings::table
        .filter(standings::user_id.eq_any(users.to_vec()))
        .order(standings::user_id)
        .select(standings::user_id);
    Ok(ForUpdate(query).load(conn)?)
}

/// Increments the versions of several users, whose rows must be locked.
pub fn raise_all(conn: &mut Connection, users: &[UserId], now: Timestamp) -> Result<()> {
    let rows = standings::table.filter(standings::user_id.eq_any(users.to_vec()));
    diesel::update(rows)
        .set((
            standings::version.eq(standings::version + 1),
            standings::moved_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}
