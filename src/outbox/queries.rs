//! SQL of `outbox`.

use diesel::dsl::min;
use diesel::prelude::*;
use serde_json::Value;

use super::{NewWork, Work};
use crate::base::clock::Timestamp;
use crate::base::ids::WorkId;
use crate::db::schema::outbox;
use crate::db::{Connection, Json, Result};

#[diesel::dsl::auto_type]
fn is_free(now: Timestamp) -> _ {
    outbox::leased_until
        .is_null()
        .or(outbox::leased_until.le(now))
}

pub(super) fn insert(
    conn: &mut Connection,
    id: WorkId,
    now: Timestamp,
    work: NewWork,
) -> Result<()> {
    diesel::insert_into(outbox::table)
        .values((
            outbox::id.eq(id),
            outbox::kind.eq(work.kind),
            outbox::queue.eq(work.queue),
            outbox::payload.eq(Json(work.payload)),
            outbox::created_at.eq(now),
            outbox::due_at.eq(now),
            outbox::attempts.eq(0),
            outbox::leased_until.eq(None::<Timestamp>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Returns whether there is any work of a kind, due or not.
pub(super) fn is_any(conn: &mut Connection, kind: &str) -> Result<bool> {
    let first = outbox::table
        .filter(outbox::kind.eq(kind))
        .select(outbox::id)
        .first::<WorkId>(conn)
        .optional()?;
    Ok(first.is_some())
}

/// Lists the queues that have due work, other than those of `without`, sorted by how long the work has been due, longest first.
pub(super) fn list_due_queues(
    conn: &mut Connection,
    kind: &str,
    now: Timestamp,
    without: Vec<String>,
    limit: i64,
) -> Result<Vec<String>> {
    Ok(outbox::table
        .filter(outbox::kind.eq(kind))
        .filter(outbox::due_at.le(now))
        .filter(is_free(now))
        .filter(outbox::queue.ne_all(without))
        .group_by(outbox::queue)
        .select(outbox::queue)
        .order((min(outbox::due_at), outbox::queue))
        .limit(limit)
        .load(conn)?)
}

/// Finds the work of a queue that has been due longest, as stored before it is leased.
pub(super) fn find_due(
    conn: &mut Connection,
    kind: &str,
    queue: &str,
    now: Timestamp,
) -> Result<Option<Work>> {
    let row = outbox::table
        .filter(outbox::kind.eq(kind))
        .filter(outbox::queue.eq(queue))
        .filter(outbox::due_at.le(now))
        .filter(is_free(now))
        .order((outbox::due_at, outbox::id))
        .select((outbox::id, outbox::payload, outbox::attempts))
        .first::<(WorkId, Json<Value>, i64)>(conn)
        .optional()?;
    Ok(row.map(|(id, payload, attempts)| Work {
        id,
        kind: kind.to_owned(),
        queue: queue.to_owned(),
        payload: payload.0,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    }))
}

/// Leases due work by compare-and-set; returns `false` if another instance leased it since it was read.
pub(super) fn lease(
    conn: &mut Connection,
    found: &Work,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let taken = diesel::update(outbox::table.find(found.id))
        .filter(outbox::attempts.eq(i64::from(found.attempts)))
        .filter(is_free(now))
        .set((
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::leased_until.eq(Some(until)),
        ))
        .execute(conn)?;
    Ok(taken == 1)
}

/// Deletes finished work; returns `false` if another attempt has begun since.
pub(super) fn delete(conn: &mut Connection, id: WorkId, attempts: u32) -> Result<bool> {
    let deleted = diesel::delete(outbox::table.find(id))
        .filter(outbox::attempts.eq(i64::from(attempts)))
        .execute(conn)?;
    Ok(deleted == 1)
}

/// Releases work until it is due again; returns `false` if another attempt has begun since.
pub(super) fn postpone(
    conn: &mut Connection,
    id: WorkId,
    attempts: u32,
    due_at: Timestamp,
) -> Result<bool> {
    let postponed = diesel::update(outbox::table.find(id))
        .filter(outbox::attempts.eq(i64::from(attempts)))
        .set((
            outbox::due_at.eq(due_at),
            outbox::leased_until.eq(None::<Timestamp>),
        ))
        .execute(conn)?;
    Ok(postponed == 1)
}
