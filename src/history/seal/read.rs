//! Events with their seals, page by page: for an export that needs little memory whatever its length.

use serde::Serialize;

use super::{AuditSeal, queries};
use crate::base::clock::Timestamp;
use crate::base::hex::to_hex;
use crate::base::ids::AuditEventId;
use crate::db;
use crate::history::{EventFilter, RecordedEvent};

/// After which event a page begins.
pub type EventCursor = (Timestamp, AuditEventId);

/// An event and its place in the chain.
#[derive(Clone, Debug, Serialize)]
pub struct SealedEvent {
    /// The event.
    #[serde(flatten)]
    pub event: RecordedEvent,
    /// `None`: it waits for its seal.
    pub seal: Option<SealView>,
}

/// A place in the chain.
#[derive(Clone, Debug, Serialize)]
pub struct SealView {
    /// Position in the chain, counted from 1.
    pub position: i64,
    /// In hexadecimal.
    pub mac: String,
    /// When it was made.
    pub sealed_at: Timestamp,
}

/// Events, and where the next page begins.
#[derive(Clone, Debug)]
pub struct SealedPage {
    /// Oldest first; there may be none although there are further pages.
    pub events: Vec<SealedEvent>,
    /// `None`: this was the last one.
    pub next: Option<EventCursor>,
}

/// How many events are read for a page.
const PAGE: i64 = 500;

impl AuditSeal {
    /// The next events of a filter's actions and times. No index knows actions in the order of times, so all events of the times
    /// are read, and those of other actions left out here: one page costs the same whatever is looked for.
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
            .map(|(event, link)| SealedEvent {
                event,
                seal: link.map(|link| SealView {
                    position: link.position,
                    mac: to_hex(&link.mac),
                    sealed_at: link.sealed_at,
                }),
            })
            .collect();
        Ok(SealedPage { events, next })
    }
}
