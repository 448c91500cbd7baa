//! SQL of `account_states` and of the view that builds the records.

use std::collections::HashMap;

use diesel::prelude::*;

use super::AccountState;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::portable::ForUpdate;
use crate::db::schema::{account_state_records, account_states};
use crate::db::{Connection, Database, Json, Result};

/// Reads the account state of a user, together with its version, in one statement.
pub fn find_record(conn: &mut Connection, user: UserId) -> Result<Option<AccountState>> {
    let record = account_state_records::table
        .filter(account_state_records::user_id.eq(user))
        .select(account_state_records::record)
        .first::<Json<AccountState>>(conn)
        .optional()?;
    Ok(record.map(|Json(record)| record))
}

/// Reads the account states of several users. Users that don't exist are left out.
pub fn find_records(
    conn: &mut Connection,
    users: &[UserId],
) -> Result<HashMap<UserId, AccountState>> {
    let records = account_state_records::table
        .filter(account_state_records::user_id.eq_any(users.to_vec()))
        .select(account_state_records::record)
        .load::<Json<AccountState>>(conn)?;
    Ok(records
        .into_iter()
        .map(|Json(record)| (record.user_id, record))
        .collect())
}

/// Creates the row of a new user, with version 1.
pub fn insert(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<()> {
    diesel::insert_into(account_states::table)
        .values((
            account_states::user_id.eq(user),
            account_states::version.eq(1),
            account_states::session_epoch.eq(0),
            account_states::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Increments the version, in a change that already holds the lock. Returns `false` if the user doesn't exist.
pub fn bump_version(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<bool> {
    Ok(bump_versions(conn, &[user], now)? == 1)
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
    bump_version(conn, user, now)?;
    Ok(Some(now))
}

/// Increments the version as [`bump_version`] does, and the session epoch, which ends all sessions of the user in one step.
pub fn bump_session_epoch(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<()> {
    diesel::update(account_states::table.find(user))
        .set((
            account_states::version.eq(account_states::version + 1),
            account_states::session_epoch.eq(account_states::session_epoch + 1),
            account_states::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Returns the user's current session epoch; `None` if the user doesn't exist.
pub fn find_epoch(conn: &mut Connection, user: UserId) -> Result<Option<i64>> {
    Ok(account_states::table
        .find(user)
        .select(account_states::session_epoch)
        .first(conn)
        .optional()?)
}

/// Returns the current version of the account state; `None` if the user doesn't exist.
pub fn find_version(conn: &mut Connection, user: UserId) -> Result<Option<i64>> {
    Ok(account_states::table
        .find(user)
        .select(account_states::version)
        .first(conn)
        .optional()?)
}

/// Locks the row without incrementing the version: for work that must not run concurrently with a change but makes none (a
/// sign-in). Returns `false` if the user doesn't exist.
pub fn lock(conn: &mut Connection, user: UserId) -> Result<bool> {
    Ok(!lock_all(conn, &[user])?.is_empty())
}

/// Locks the row as [`lock`] does, together with that of the acting user, if there is one: the actor's permissions can't be
/// withdrawn before this transaction ends. Locks both in one statement, so that two users who act on each other don't deadlock.
pub fn lock_with_actor(conn: &mut Connection, user: UserId, actor: Option<UserId>) -> Result<bool> {
    match actor {
        Some(actor) if actor != user => Ok(lock_all(conn, &[user, actor])?.contains(&user)),
        _ => lock(conn, user),
    }
}

/// Lists the users whose account state changed since a time of the database's clock, and the versions.
pub fn list_changes_since(conn: &mut Connection, from: Timestamp) -> Result<Vec<(UserId, i64)>> {
    Ok(account_states::table
        .filter(account_states::changed_at.ge(from))
        .select((account_states::user_id, account_states::version))
        .load(conn)?)
}

/// Locks the rows of several users, in the order of their IDs to avoid deadlocks. Returns those that exist.
pub fn lock_all(conn: &mut Connection, users: &[UserId]) -> Result<Vec<UserId>> {
    let query = account_states::table
        .filter(account_states::user_id.eq_any(users.to_vec()))
        .order(account_states::user_id)
        .select(account_states::user_id);
    Ok(ForUpdate(query).load(conn)?)
}

/// Increments the versions of several users, whose rows must be locked. Returns the number of users that exist.
pub fn bump_versions(conn: &mut Connection, users: &[UserId], now: Timestamp) -> Result<usize> {
    let rows = account_states::table.filter(account_states::user_id.eq_any(users.to_vec()));
    let columns = (
        account_states::version.eq(account_states::version + 1),
        account_states::changed_at.eq(now),
    );
    Ok(diesel::update(rows).set(columns).execute(conn)?)
}
