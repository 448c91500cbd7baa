//! SQL of `audit_seals` and `audit_sealer`, and of the events that they seal.

pub(super) mod revisions;

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde_json::json;

use super::chain::{Covered, Traces};
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, SealingId};
use crate::db::portable::{ForUpdate, insert_rows};
use crate::db::schema::{audit_events, audit_sealer, audit_seals};
use crate::db::{Connection, Json, Result};
use crate::history::queries::{EventRow, recorded};
use crate::history::{EventFilter, RecordedEvent};

/// ID of the single row of `audit_sealer`.
const ONE: i64 = 1;

/// The chain state: the encrypted key, the end of the chain, and the holder of the lease.
#[derive(Debug)]
pub(super) struct SealerRow {
    pub(super) sealed_key: Option<Vec<u8>>,
    pub(super) position: i64,
    pub(super) mac: Vec<u8>,
    /// The latest time of a sealed event.
    pub(super) newest_at: Option<Timestamp>,
    pub(super) holder: Option<SealingId>,
    pub(super) leased_until: Option<Timestamp>,
}

type Row = (
    i64,
    Option<Vec<u8>>,
    i64,
    Vec<u8>,
    Option<Timestamp>,
    Option<SealingId>,
    Option<Timestamp>,
);

fn sealer(row: Row) -> SealerRow {
    SealerRow {
        sealed_key: row.1,
        position: row.2,
        mac: row.3,
        newest_at: row.4,
        holder: row.5,
        leased_until: row.6,
    }
}

pub(super) fn find_sealer(conn: &mut Connection) -> Result<SealerRow> {
    let row = audit_sealer::table.find(ONE).first::<Row>(conn)?;
    Ok(sealer(row))
}

/// Reads the chain state and locks its row until the transaction ends, so that no other instance adds entries.
pub(super) fn lock_sealer(conn: &mut Connection) -> Result<SealerRow> {
    let row = ForUpdate(audit_sealer::table.find(ONE)).get_result::<Row>(conn)?;
    Ok(sealer(row))
}

/// Acquires or renews the lease. The caller must hold the lock of the row, and no other process the lease.
pub(super) fn lease(conn: &mut Connection, holder: SealingId, until: Timestamp) -> Result<()> {
    diesel::update(audit_sealer::table.find(ONE))
        .set((
            audit_sealer::holder.eq(Some(holder)),
            audit_sealer::leased_until.eq(Some(until)),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn update_key(conn: &mut Connection, sealed: &[u8]) -> Result<()> {
    diesel::update(audit_sealer::table.find(ONE))
        .set(audit_sealer::sealed_key.eq(Some(sealed.to_vec())))
        .execute(conn)?;
    Ok(())
}

pub(super) fn update_head(
    conn: &mut Connection,
    position: i64,
    mac: &[u8],
    newest_at: Option<Timestamp>,
) -> Result<()> {
    diesel::update(audit_sealer::table.find(ONE))
        .set((
            audit_sealer::position.eq(position),
            audit_sealer::mac.eq(mac.to_vec()),
            audit_sealer::newest_at.eq(newest_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// A stored entry of the chain.
#[derive(Debug)]
pub(super) struct SealRow {
    pub(super) position: i64,
    pub(super) event: AuditEventId,
    /// Salt of the hashes; `None` if it was erased together with the fields.
    pub(super) salt: Option<Vec<u8>>,
    pub(super) traces: Traces,
    pub(super) mac: Vec<u8>,
    pub(super) sealed_at: Timestamp,
    pub(super) covered: Covered,
}

type SealTuple = (
    i64,
    AuditEventId,
    Option<Vec<u8>>,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    Timestamp,
    i64,
    i64,
    Option<Vec<u8>>,
);

fn seal(row: SealTuple) -> SealRow {
    SealRow {
        position: row.0,
        event: row.1,
        salt: row.2,
        traces: Traces {
            address: row.3,
            user_agent: row.4,
            details: row.5,
        },
        mac: row.6,
        sealed_at: row.7,
        covered: Covered {
            layout: row.8,
            revisions: row.9,
            hash: row.10,
        },
    }
}

/// Inserts entries in one statement.
pub(super) fn insert_seals(conn: &mut Connection, links: &[SealRow]) -> Result<()> {
    let row = |link: &SealRow| {
        (
            audit_seals::position.eq(link.position),
            audit_seals::event_id.eq(link.event),
            audit_seals::salt.eq(link.salt.clone()),
            audit_seals::address_hash.eq(link.traces.address.clone()),
            audit_seals::user_agent_hash.eq(link.traces.user_agent.clone()),
            audit_seals::details_hash.eq(link.traces.details.clone()),
            audit_seals::mac.eq(link.mac.clone()),
            audit_seals::sealed_at.eq(link.sealed_at),
            audit_seals::layout.eq(link.covered.layout),
            audit_seals::revisions.eq(link.covered.revisions),
            audit_seals::revisions_hash.eq(link.covered.hash.clone()),
        )
    };
    let rows: Vec<_> = links.iter().map(row).collect();
    insert_rows!(conn, audit_seals::table, rows)?;
    Ok(())
}

/// Lists unsealed events from `from` (inclusive) to `until` (exclusive), after the cursor `after`, oldest first, at most `limit`.
pub(super) fn list_unsealed(
    conn: &mut Connection,
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    after: Option<(Timestamp, AuditEventId)>,
    limit: i64,
) -> Result<Vec<RecordedEvent>> {
    let of_event = audit_seals::table.filter(audit_seals::event_id.eq(audit_events::id));
    let mut query = audit_events::table
        .filter(not(exists(of_event)))
        .order((audit_events::at, audit_events::id))
        .limit(limit)
        .into_boxed();
    if let Some(from) = from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(until) = until {
        query = query.filter(audit_events::at.lt(until));
    }
    if let Some((at, id)) = after {
        let later = audit_events::at
            .gt(at)
            .or(audit_events::at.eq(at).and(audit_events::id.gt(id)));
        // The first condition is implied by the second, but neither database uses the index for an OR.
        query = query.filter(audit_events::at.ge(at)).filter(later);
    }
    let rows = query.load::<EventRow>(conn)?;
    Ok(rows.into_iter().map(recorded).collect())
}

/// The event of an entry.
#[derive(Debug)]
pub(super) struct LinkedEvent {
    pub(super) event: RecordedEvent,
    /// Whether the stored details have the form in which Doorward writes them.
    pub(super) are_details_plain: bool,
}

fn linked(row: EventRow) -> LinkedEvent {
    let are_details_plain = row.11.is_plain;
    LinkedEvent {
        event: recorded(row),
        are_details_plain,
    }
}

/// Finds the entry of an event, and the event.
pub(super) fn find_link(
    conn: &mut Connection,
    event: AuditEventId,
) -> Result<Option<(SealRow, RecordedEvent)>> {
    let found = audit_seals::table
        .inner_join(audit_events::table.on(audit_events::id.eq(audit_seals::event_id)))
        .filter(audit_seals::event_id.eq(event))
        .select((audit_seals::all_columns, audit_events::all_columns))
        .first::<(SealTuple, EventRow)>(conn)
        .optional()?;
    Ok(found.map(|(link, event)| (seal(link), recorded(event))))
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
    diesel::update(audit_seals::table.filter(audit_seals::event_id.eq(event)))
        .set(audit_seals::salt.eq(None::<Vec<u8>>))
        .execute(conn)?;
    Ok(())
}

/// Lists the entries after a position (`None`: all, even positions below 1), each with its event if it exists, at most `limit`.
pub(super) fn list_links(
    conn: &mut Connection,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<(SealRow, Option<LinkedEvent>)>> {
    let mut query = audit_seals::table
        .left_join(audit_events::table.on(audit_events::id.eq(audit_seals::event_id)))
        .order(audit_seals::position)
        .limit(limit)
        .select((
            audit_seals::all_columns,
            audit_events::all_columns.nullable(),
        ))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(audit_seals::position.gt(after));
    }
    let rows = query.load::<(SealTuple, Option<EventRow>)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(link, event)| (seal(link), event.map(linked)))
        .collect())
}

/// Time and ID of an event, and its position in the chain.
type PlaceRow = (Timestamp, AuditEventId, Option<i64>);

/// Lists the positions of events earlier than `until`, after the cursor `after`, ordered by event time, at most `limit`.
pub(super) fn list_places(
    conn: &mut Connection,
    until: Timestamp,
    after: Option<(Timestamp, AuditEventId)>,
    limit: i64,
) -> Result<Vec<PlaceRow>> {
    let mut query = audit_events::table
        .left_join(audit_seals::table.on(audit_seals::event_id.eq(audit_events::id)))
        .filter(audit_events::at.lt(until))
        .order((audit_events::at, audit_events::id))
        .limit(limit)
        .select((
            audit_events::at,
            audit_events::id,
            audit_seals::position.nullable(),
        ))
        .into_boxed();
    if let Some((at, id)) = after {
        let later = audit_events::at
            .gt(at)
            .or(audit_events::at.eq(at).and(audit_events::id.gt(id)));
        query = query.filter(later);
    }
    Ok(query.load::<PlaceRow>(conn)?)
}

/// Lists the events in a filter's time range (ignoring its other conditions) with their entries, after the cursor `after`, oldest
/// first, at most `limit`.
pub(super) fn list_sealed_events(
    conn: &mut Connection,
    filter: &EventFilter,
    after: Option<(Timestamp, AuditEventId)>,
    limit: i64,
) -> Result<Vec<(RecordedEvent, Option<SealRow>)>> {
    let mut query = audit_events::table
        .left_join(audit_seals::table.on(audit_seals::event_id.eq(audit_events::id)))
        .order((audit_events::at, audit_events::id))
        .limit(limit)
        .select((
            audit_events::all_columns,
            audit_seals::all_columns.nullable(),
        ))
        .into_boxed();
    if let Some(from) = filter.from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_events::at.lt(until));
    }
    if let Some((at, id)) = after {
        let later = audit_events::at
            .gt(at)
            .or(audit_events::at.eq(at).and(audit_events::id.gt(id)));
        // The first condition is implied by the second, but neither database uses the index for an OR.
        query = query.filter(audit_events::at.ge(at)).filter(later);
    }
    let rows = query.load::<(EventRow, Option<SealTuple>)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(event, link)| (recorded(event), link.map(seal)))
        .collect())
}
