//! SQL of `refresh_families`.

use diesel::prelude::*;

use super::rows::Family;
use crate::base::clock::Timestamp;
use crate::base::ids::RefreshFamilyId;
use crate::db::portable::ForUpdate;
use crate::db::schema::refresh_families;
use crate::db::{Connection, Result};

pub(in crate::tokens) fn insert(conn: &mut Connection, family: &Family) -> Result<()> {
    diesel::insert_into(refresh_families::table)
        .values(family)
        .execute(conn)?;
    Ok(())
}

/// Returns a refresh-token family by its ID.
pub fn find(conn: &mut Connection, id: RefreshFamilyId) -> Result<Option<Family>> {
    Ok(refresh_families::table.find(id).first(conn).optional()?)
}

/// Returns a family and locks its row until the transaction ends.
pub fn lock(conn: &mut Connection, id: RefreshFamilyId) -> Result<Option<Family>> {
    Ok(ForUpdate(refresh_families::table.find(id))
        .get_result(conn)
        .optional()?)
}

/// Advances a family from token `generation` to `next` by compare-and-set; returns `false` if `generation` is not its current token.
pub(in crate::tokens) fn advance(
    conn: &mut Connection,
    id: RefreshFamilyId,
    generation: i64,
    next: i64,
    now: Timestamp,
) -> Result<bool> {
    let advanced = diesel::update(refresh_families::table.find(id))
        .filter(refresh_families::generation.eq(generation))
        .set((
            refresh_families::generation.eq(next),
            refresh_families::rotated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(advanced == 1)
}
