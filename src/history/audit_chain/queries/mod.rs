//! SQL of `audit_chain_entries` and `audit_chain_state`, and of the events that they seal.

pub(super) mod revisions;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde_json::json;

use crate::base::clock::Timestamp;
use crate::base::ids::{AuditChainWriterId, AuditEventId};
use crate::db::portable::{ForUpdate, insert_rows};
use crate::db::schema::{audit_chain_entries, audit_chain_state, audit_events};
use crate::db::{Connection, Json, Result};
use crate::history::{EventFilter, RecordedEvent};

/// ID of the single row of `audit_chain_state`.
const ONE: i64 = 1;

/// The chain state: the encrypted key, the end of the chain, and the holder of the lease.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit_chain_state)]
pub(super) struct ChainState {
    pub(super) sealed_key: Option<Vec<u8>>,
    pub(super) position: i64,
    pub(super) mac: Vec<u8>,
    /// The latest time of a sealed event.
    pub(super) newest_at: Option<Timestamp>,
    pub(super) holder: Option<AuditChainWriterId>,
    pub(super) leased_until: Option<Timestamp>,
}

pub(super) fn find_chain_state(conn: &mut Connection) -> Result<ChainState> {
    let row = audit_chain_state::table.find(ONE);
    Ok(row.select(ChainState::as_select()).first(conn)?)
}

/// Reads the chain state and locks its row until the transaction ends, so that no other instance adds entries.
pub(super) fn lock_chain_state(conn: &mut Connection) -> Result<ChainState> {
    let row = audit_chain_state::table.find(ONE);
    Ok(ForUpdate(row.select(ChainState::as_select())).get_result(conn)?)
}

/// Acquires or renews the lease. The caller must hold the lock of the row, and no other process the lease.
pub(super) fn lease(
    conn: &mut Connection,
    holder: AuditChainWriterId,
    until: Timestamp,
) -> Result<()> {
    diesel::update(audit_chain_state::table.find(ONE))
        .set((
            audit_chain_state::holder.eq(Some(holder)),
            audit_chain_state::leased_until.eq(Some(until)),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn update_key(conn: &mut Connection, sealed: &[u8]) -> Result<()> {
    diesel::update(audit_chain_state::table.find(ONE))
        .set(audit_chain_state::sealed_key.eq(Some(sealed.to_vec())))
        .execute(conn)?;
    Ok(())
}

pub(super) fn update_head(
    conn: &mut Connection,
    position: i64,
    mac: &[u8],
    newest_at: Option<Timestamp>,
) -> Result<()> {
    diesel::update(audit_chain_state::table.find(ONE))
        .set((
            audit_chain_state::position.eq(position),
            audit_chain_state::mac.eq(mac.to_vec()),
            audit_chain_state::newest_at.eq(newest_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// A stored entry of the chain.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_chain_entries, treat_none_as_default_value = false)]
pub(super) struct ChainEntry {
    pub(super) position: i64,
    #[diesel(column_name = event_id)]
    pub(super) event: AuditEventId,
    /// Salt of the hashes; `None` if it was erased together with the fields.
    pub(super) salt: Option<Vec<u8>>,
    #[diesel(embed)]
    pub(super) salted_hashes: SaltedHashes,
    pub(super) mac: Vec<u8>,
    pub(super) sealed_at: Timestamp,
    #[diesel(embed)]
    pub(super) covered: Coverage,
}

/// What an entry covers besides its event.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_chain_entries, treat_none_as_default_value = false)]
pub(super) struct Coverage {
    /// The layout of what is hashed.
    pub(super) layout: i64,
    /// How many revisions were sealed with the entry.
    pub(super) revisions: i64,
    /// Hash of the revisions; `None` if there were none.
    #[diesel(column_name = revisions_hash)]
    pub(super) hash: Option<Vec<u8>>,
}

/// Salted hashes of the fields that may be erased.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_chain_entries)]
pub(super) struct SaltedHashes {
    #[diesel(column_name = address_hash)]
    pub(super) address: Vec<u8>,
    #[diesel(column_name = user_agent_hash)]
    pub(super) user_agent: Vec<u8>,
    #[diesel(column_name = details_hash)]
    pub(super) details: Vec<u8>,
}

/// Inserts entries in one statement.
pub(super) fn insert_entries(conn: &mut Connection, entries: &[ChainEntry]) -> Result<()> {
    insert_rows!(conn, audit_chain_entries::table, entries)?;
    Ok(())
}

/// Condition: an event comes after a cursor.
#[diesel::dsl::auto_type]
fn is_after(at: Timestamp, id: AuditEventId) -> _ {
    let is_later_id = audit_events::at.eq(at).and(audit_events::id.gt(id));
    audit_events::at.gt(at).or(is_later_id)
}

/// Lists unsealed events from `from` on, oldest first, at most `limit`.
pub(super) fn list_unsealed(
    conn: &mut Connection,
    from: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<RecordedEvent>> {
    let of_event =
        audit_chain_entries::table.filter(audit_chain_entries::event_id.eq(audit_events::id));
    let mut query = audit_events::table
        .filter(not(exists(of_event)))
        .order((audit_events::at, audit_events::id))
        .limit(limit)
        .into_boxed();
    if let Some(from) = from {
        query = query.filter(audit_events::at.ge(from));
    }
    Ok(query.load(conn)?)
}

/// Finds the entry of an event, and the event.
pub(super) fn find_entry(
    conn: &mut Connection,
    event: AuditEventId,
) -> Result<Option<(ChainEntry, RecordedEvent)>> {
    Ok(audit_chain_entries::table
        .inner_join(audit_events::table.on(audit_events::id.eq(audit_chain_entries::event_id)))
        .filter(audit_chain_entries::event_id.eq(event))
        .select((ChainEntry::as_select(), audit_events::all_columns))
        .first(conn)
        .optional()?)
}

/// Returns whether an event has this ID.
pub(super) fn has_event(conn: &mut Connection, event: AuditEventId) -> Result<bool> {
    let found = audit_events::table.find(event).select(audit_events::id);
    Ok(found.first::<AuditEventId>(conn).optional()?.is_some())
}

/// Erases address, user agent and details of an event, and the salt of their hashes.
pub(super) fn erase(conn: &mut Connection, event: AuditEventId) -> Result<()> {
    diesel::update(audit_events::table.find(event))
        .set((
            audit_events::address.eq(None::<String>),
            audit_events::user_agent.eq(None::<String>),
            audit_events::details.eq(Json(json!({}))),
        ))
        .execute(conn)?;
    diesel::update(audit_chain_entries::table.filter(audit_chain_entries::event_id.eq(event)))
        .set(audit_chain_entries::salt.eq(None::<Vec<u8>>))
        .execute(conn)?;
    Ok(())
}

/// Lists the entries after a position (`None`: all, even positions below 1), each with its event if it exists, at most `limit`.
pub(super) fn list_entries(
    conn: &mut Connection,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<(ChainEntry, Option<RecordedEvent>)>> {
    let mut query = audit_chain_entries::table
        .left_join(audit_events::table.on(audit_events::id.eq(audit_chain_entries::event_id)))
        .order(audit_chain_entries::position)
        .limit(limit)
        .select((
            ChainEntry::as_select(),
            audit_events::all_columns.nullable(),
        ))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(audit_chain_entries::position.gt(after));
    }
    Ok(query.load(conn)?)
}

/// Time and ID of an event, and its position in the chain.
type PositionRow = (Timestamp, AuditEventId, Option<i64>);

/// Lists the positions of events earlier than `until`, after the cursor `after`, ordered by event time, at most `limit`.
pub(super) fn list_positions(
    conn: &mut Connection,
    until: Timestamp,
    after: Option<(Timestamp, AuditEventId)>,
    limit: i64,
) -> Result<Vec<PositionRow>> {
    let mut query = audit_events::table
        .left_join(
            audit_chain_entries::table.on(audit_chain_entries::event_id.eq(audit_events::id)),
        )
        .filter(audit_events::at.lt(until))
        .order((audit_events::at, audit_events::id))
        .limit(limit)
        .select((
            audit_events::at,
            audit_events::id,
            audit_chain_entries::position.nullable(),
        ))
        .into_boxed();
    if let Some((at, id)) = after {
        query = query.filter(is_after(at, id));
    }
    Ok(query.load::<PositionRow>(conn)?)
}

/// Lists the events in a filter's time range (ignoring its other conditions) with their entries, after the cursor `after`, oldest
/// first, at most `limit`.
pub(super) fn list_sealed_events(
    conn: &mut Connection,
    filter: &EventFilter,
    after: Option<(Timestamp, AuditEventId)>,
    limit: i64,
) -> Result<Vec<(RecordedEvent, Option<ChainEntry>)>> {
    let mut query = audit_events::table
        .left_join(
            audit_chain_entries::table.on(audit_chain_entries::event_id.eq(audit_events::id)),
        )
        .order((audit_events::at, audit_events::id))
        .limit(limit)
        .select((audit_events::all_columns, Option::<ChainEntry>::as_select()))
        .into_boxed();
    if let Some(from) = filter.from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_events::at.lt(until));
    }
    if let Some((at, id)) = after {
        // The first condition is implied by the second, but neither database uses the index for an OR.
        query = query
            .filter(audit_events::at.ge(at))
            .filter(is_after(at, id));
    }
    Ok(query.load(conn)?)
}
