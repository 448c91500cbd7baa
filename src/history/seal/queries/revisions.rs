//! SQL of `revisions` for the audit chain: an entry covers the revisions that were unsealed when it was added.

use diesel::prelude::*;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, Id, UserId, label};
use crate::db::schema::revisions;
use crate::db::{Connection, Result, StoredJson};

/// A revision with the fields that are sealed.
#[derive(Clone, Debug)]
pub(in crate::history::seal) struct SealedRevision {
    pub(in crate::history::seal) entity: String,
    pub(in crate::history::seal) entity_id: Uuid,
    pub(in crate::history::seal) version: i64,
    pub(in crate::history::seal) as_of: Timestamp,
    pub(in crate::history::seal) by_user: Option<UserId>,
    pub(in crate::history::seal) by_client: Option<ClientId>,
    pub(in crate::history::seal) data: StoredJson,
    /// Position of the entry that covers it; `None` if it is unsealed.
    pub(in crate::history::seal) sealed_in: Option<i64>,
}

impl SealedRevision {
    /// Returns whether its data is stored in the form in which Doorward writes it.
    pub(in crate::history::seal) fn is_as_written(&self) -> bool {
        self.data.is_plain
    }
}

type Row = (
    String,
    Id<label::User>,
    i64,
    Timestamp,
    Option<UserId>,
    Option<ClientId>,
    StoredJson,
    Option<i64>,
);

fn sealed(row: Row) -> SealedRevision {
    SealedRevision {
        entity: row.0,
        entity_id: row.1.uuid(),
        version: row.2,
        as_of: row.3,
        by_user: row.4,
        by_client: row.5,
        data: row.6,
        sealed_in: row.7,
    }
}

/// Returns whether any revision up to this time is unsealed.
pub(in crate::history::seal) fn is_any_waiting(
    conn: &mut Connection,
    until: Timestamp,
) -> Result<bool> {
    let waiting = revisions::table
        .filter(revisions::sealed_in.is_null())
        .filter(revisions::as_of.le(until))
        .select(revisions::version)
        .first::<i64>(conn);
    Ok(waiting.optional()?.is_some())
}

/// Counts the unsealed revisions.
pub(in crate::history::seal) fn count_waiting(conn: &mut Connection) -> Result<i64> {
    let waiting = revisions::table.filter(revisions::sealed_in.is_null());
    Ok(waiting.count().get_result(conn)?)
}

/// Assigns about `limit` unsealed revisions to the entry at a position, and returns them. The caller must lock the chain state.
pub(in crate::history::seal) fn take_waiting(
    conn: &mut Connection,
    position: i64,
    limit: i64,
) -> Result<Vec<SealedRevision>> {
    let last = revisions::table
        .filter(revisions::sealed_in.is_null())
        .order((revisions::entity, revisions::entity_id, revisions::version))
        .offset(limit.saturating_sub(1))
        .select((revisions::entity, revisions::entity_id, revisions::version))
        .first::<(String, Id<label::User>, i64)>(conn)
        .optional()?;
    match last {
        None => diesel::update(revisions::table.filter(revisions::sealed_in.is_null()))
            .set(revisions::sealed_in.eq(position))
            .execute(conn)?,
        Some((entity, id, version)) => {
            let of_id = revisions::entity_id
                .eq(id)
                .and(revisions::version.le(version));
            let of_entity = revisions::entity
                .eq(entity.clone())
                .and(revisions::entity_id.lt(id).or(of_id));
            let first = revisions::table
                .filter(revisions::sealed_in.is_null())
                .filter(revisions::entity.lt(entity).or(of_entity));
            diesel::update(first)
                .set(revisions::sealed_in.eq(position))
                .execute(conn)?
        }
    };
    list_sealed(conn, (position, position), i64::MAX)
}

/// Returns the revisions covered by the entries at these positions (inclusive), at most `limit`.
pub(in crate::history::seal) fn list_sealed(
    conn: &mut Connection,
    (first, last): (i64, i64),
    limit: i64,
) -> Result<Vec<SealedRevision>> {
    let rows = revisions::table
        .filter(revisions::sealed_in.ge(first))
        .filter(revisions::sealed_in.le(last))
        .order(revisions::sealed_in)
        .limit(limit)
        .load::<Row>(conn)?;
    Ok(rows.into_iter().map(sealed).collect())
}

/// Returns the lowest and the highest position that a revision refers to.
pub(in crate::history::seal) fn find_positions(
    conn: &mut Connection,
) -> Result<(Option<i64>, Option<i64>)> {
    let covered = revisions::table.filter(revisions::sealed_in.is_not_null());
    let position = revisions::sealed_in.assume_not_null();
    let lowest = covered.order(revisions::sealed_in).select(position);
    let lowest = lowest.first::<i64>(conn).optional()?;
    let highest = covered.order(revisions::sealed_in.desc()).select(position);
    Ok((lowest, highest.first::<i64>(conn).optional()?))
}
