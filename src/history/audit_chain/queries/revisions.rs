//! SQL of `revisions` for the audit chain: an entry covers the revisions that were unsealed when it was added.

use diesel::prelude::*;

use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, Id, UserId, label};
use crate::db::schema::revisions;
use crate::db::{Connection, Result, StoredJson};

/// A revision with the fields that are sealed.
#[derive(Clone, Debug, Queryable)]
pub(in crate::history::audit_chain) struct SealedRevision {
    pub(in crate::history::audit_chain) entity: String,
    pub(in crate::history::audit_chain) entity_id: Id<label::User>,
    pub(in crate::history::audit_chain) version: i64,
    pub(in crate::history::audit_chain) as_of: Timestamp,
    pub(in crate::history::audit_chain) by_user: Option<UserId>,
    pub(in crate::history::audit_chain) by_client: Option<ClientId>,
    pub(in crate::history::audit_chain) data: StoredJson,
    /// Position of the entry that covers it; `None` if it is unsealed.
    pub(in crate::history::audit_chain) chain_position: Option<i64>,
}

/// Returns whether any revision up to this time is unsealed.
pub(in crate::history::audit_chain) fn is_any_waiting(
    conn: &mut Connection,
    until: Timestamp,
) -> Result<bool> {
    let waiting = revisions::table
        .filter(revisions::chain_position.is_null())
        .filter(revisions::as_of.le(until))
        .select(revisions::version)
        .first::<i64>(conn);
    Ok(waiting.optional()?.is_some())
}

/// Counts the unsealed revisions.
pub(in crate::history::audit_chain) fn count_waiting(conn: &mut Connection) -> Result<i64> {
    let waiting = revisions::table.filter(revisions::chain_position.is_null());
    Ok(waiting.count().get_result(conn)?)
}

/// Assigns about `limit` unsealed revisions to the entry at a position, and returns them. The caller must lock the chain state.
pub(in crate::history::audit_chain) fn take_waiting(
    conn: &mut Connection,
    position: i64,
    limit: i64,
) -> Result<Vec<SealedRevision>> {
    let last = revisions::table
        .filter(revisions::chain_position.is_null())
        .order((revisions::entity, revisions::entity_id, revisions::version))
        .offset(limit.saturating_sub(1))
        .select((revisions::entity, revisions::entity_id, revisions::version))
        .first::<(String, Id<label::User>, i64)>(conn)
        .optional()?;
    match last {
        None => diesel::update(revisions::table.filter(revisions::chain_position.is_null()))
            .set(revisions::chain_position.eq(position))
            .execute(conn)?,
        Some((entity, id, version)) => {
            let of_id = revisions::entity_id
                .eq(id)
                .and(revisions::version.le(version));
            let of_entity = revisions::entity
                .eq(entity.clone())
                .and(revisions::entity_id.lt(id).or(of_id));
            let first = revisions::table
                .filter(revisions::chain_position.is_null())
                .filter(revisions::entity.lt(entity).or(of_entity));
            diesel::update(first)
                .set(revisions::chain_position.eq(position))
                .execute(conn)?
        }
    };
    list_sealed(conn, (position, position), i64::MAX)
}

/// Returns the revisions covered by the entries at these positions (inclusive), at most `limit`.
pub(in crate::history::audit_chain) fn list_sealed(
    conn: &mut Connection,
    (first, last): (i64, i64),
    limit: i64,
) -> Result<Vec<SealedRevision>> {
    Ok(revisions::table
        .filter(revisions::chain_position.ge(first))
        .filter(revisions::chain_position.le(last))
        .order(revisions::chain_position)
        .limit(limit)
        .load(conn)?)
}

/// Returns the lowest and the highest position that a revision refers to.
pub(in crate::history::audit_chain) fn find_positions(
    conn: &mut Connection,
) -> Result<(Option<i64>, Option<i64>)> {
    let covered = revisions::table.filter(revisions::chain_position.is_not_null());
    let position = revisions::chain_position.assume_not_null();
    let lowest = covered.order(revisions::chain_position).select(position);
    let lowest = lowest.first::<i64>(conn).optional()?;
    let highest = covered
        .order(revisions::chain_position.desc())
        .select(position);
    Ok((lowest, highest.first::<i64>(conn).optional()?))
}
