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
    /// From 1.
    pub position: i64,
    /// In hexadecimal.
    pub mac: String,
    /// When it was made.
    pub sealed_at: Timestamp,
}

/// How many events a page has.
const PAGE: i64 = 500;

impl AuditSeal {
    /// The next events of a filter's actions and times, oldest first; none after the last.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(
        &self,
        filter: &EventFilter,
        after: Option<EventCursor>,
    ) -> db::Result<Vec<SealedEvent>> {
        let filter = filter.clone();
        let rows = self
            .database
            .read(move |conn| queries::list_sealed_events(conn, &filter, after, PAGE))
            .await?;
        Ok(rows
            .into_iter()
            .map(|(event, link)| SealedEvent {
                event,
                seal: link.map(|link| SealView {
                    position: link.position,
                    mac: to_hex(&link.mac),
                    sealed_at: link.sealed_at,
                }),
            })
            .collect())
    }
}
