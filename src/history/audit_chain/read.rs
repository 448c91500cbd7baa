//! Reads events with their chain entries page by page, so that an export of any length needs little memory.

use serde::Serialize;

use super::{AuditChain, queries};
use crate::base::clock::Timestamp;
use crate::base::hex::to_hex;
use crate::base::ids::AuditEventId;
use crate::db;
use crate::history::{EventFilter, RecordedEvent};

/// Time and ID of the event after which a page begins.
pub type EventCursor = (Timestamp, AuditEventId);

/// An event and its entry in the chain.
#[derive(Clone, Debug, Serialize)]
pub struct SealedEvent {
    /// The event.
    #[serde(flatten)]
    pub event: RecordedEvent,
    /// Position and MAC of its entry; `None` if the event is not sealed yet.
    pub seal: Option<SealView>,
}

/// The public fields of a chain entry.
#[derive(Clone, Debug, Serialize)]
pub struct SealView {
    /// Position in the chain, counted from 1.
    pub position: i64,
    /// MAC of the entry, in hexadecimal.
    pub mac: String,
    /// When the event was sealed.
    pub sealed_at: Timestamp,
}

/// A page of events.
#[derive(Clone, Debug)]
pub struct SealedPage {
    /// The events, oldest first. The list may be empty although there are further pages.
    pub events: Vec<SealedEvent>,
    /// Where the next page begins; `None` if this is the last page.
    pub next: Option<EventCursor>,
}

const PAGE: i64 = 500;

impl AuditChain {
    /// Returns the next events that match the times, action and client of a filter. No index orders the events of an action by
    /// time, so all events of the time range are read and filtered here: each page costs the same whatever the filter.
    pub async fn list(
        &self,
        filter: &EventFilter,
        after: Option<EventCursor>,
    ) -> db::Result<SealedPage> {
        let times = filter.clone();
        let rows = self
            .database
            .read(move |conn| queries::list_sealed_events(conn, &times, after, PAGE))
            .await?;
        let next = rows.last().map(|(last, _)| (last.at, last.id));
        let is_wanted = |event: &RecordedEvent| {
            let action = filter.action.as_deref();
            let is_of_client = filter.client.is_none_or(|client| {
                event.client == Some(client) || event.by_client == Some(client)
            });
            is_of_client && action.is_none_or(|action| event.action.starts_with(action))
        };
        let events = rows
            .into_iter()
            .filter(|(event, _)| is_wanted(event))
            .map(|(event, entry)| SealedEvent {
                event,
                seal: entry.map(|entry| SealView {
                    position: entry.position,
                    mac: to_hex(&entry.mac),
                    sealed_at: entry.sealed_at,
                }),
            })
            .collect();
        Ok(SealedPage { events, next })
    }
}
