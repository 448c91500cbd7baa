//! SQL of `standings` and of the view that makes the record.

use std::collections::HashMap;

use diesel::prelude::*;

use super::Standing;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::portable::ForUpdate;
use crate::db::schema::{standing_records, standings};
use crate::db::{Connection, Database, Json, Result};

/// The record of one person, read with its version in one statement.
pub fn find_record(conn: &mut Connection, user: UserId) -> Result<Option<Standing>> {
    let record = standing_records::table
        .filter(standing_records::user_id.eq(user))
        .select(standing_records::record)
        .first::<Json<Standing>>(conn)
        .optional()?;
    Ok(record.map(|Json(record)| record))
}

/// The records of many people.
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

/// Begins the counter of a new person.
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

/// Raises the counter, within a change that holds the lock already. `false` when there is no such person.
pub fn raise(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<bool> {
    let raised = diesel::update(standings::table.find(user))
        .set((
            standings::version.eq(standings::version + 1),
            standings::moved_at.eq(now),
        ))
        .execute(conn)?;
    Ok(raised == 1)
}

/// Locks and raises, as the first step of every change of what the record shows, and then reads the database's clock: whoever
/// waited for another change bears a later instant than it. `None` when there is no such person.
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

/// As [`raise`], and ends every session of the person at once by raising their epoch.
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

/// The person's present epoch; `None` when there is no such person.
pub fn find_epoch(conn: &mut Connection, user: UserId) -> Result<Option<i64>> {
    Ok(standings::table
        .find(user)
        .select(standings::session_epoch)
        .first(conn)
        .optional()?)
}

/// The person's present version; `None` when there is no such person.
pub fn find_version(conn: &mut Connection, user: UserId) -> Result<Option<i64>> {
    Ok(standings::table
        .find(user)
        .select(standings::version)
        .first(conn)
        .optional()?)
}

/// Takes the row lock without raising: for what must not run beside a change but makes none (a sign-in). `false` when there
/// is no such person.
pub fn lock(conn: &mut Connection, user: UserId) -> Result<bool> {
    let query = standings::table.find(user).select(standings::version);
    Ok(ForUpdate(query)
        .get_result::<i64>(conn)
        .optional()?
        .is_some())
}

/// As [`lock`], together with the standing of whoever acts on the person, if somebody does: what lets them act can't be taken from
/// them before this transaction ends. Both in one statement, so that two who act on each other don't wait in a circle.
pub fn lock_with(conn: &mut Connection, user: UserId, actor: Option<UserId>) -> Result<bool> {
    match actor {
        Some(actor) if actor != user => Ok(lock_all(conn, &[user, actor])?.contains(&user)),
        _ => lock(conn, user),
    }
}

/// Who moved since an instant of the database's clock, and to which version.
pub fn list_moved_since(conn: &mut Connection, from: Timestamp) -> Result<Vec<(UserId, i64)>> {
    Ok(standings::table
        .filter(standings::moved_at.ge(from))
        .select((standings::user_id, standings::version))
        .load(conn)?)
}

/// As [`lock`], for many at once, in the order of their ids, so that no two changes of many wait for each other. Those that
/// there are.
pub fn lock_all(conn: &mut Connection, users: &[UserId]) -> Result<Vec<UserId>> {
    let query = standings::table
        .filter(standings::user_id.eq_any(users.to_vec()))
        .order(standings::user_id)
        .select(standings::user_id);
    Ok(ForUpdate(query).load(conn)?)
}

/// As [`raise`], for many at once, who are locked already.
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
