//! Erases personal data from audit events, and records each erasure as a sealed event.

use serde_json::json;

use super::{AuditChain, queries};
use crate::base::ids::AuditEventId;
use crate::db;
use crate::history::{self, Author, Event};

/// The action of the event that records an erasure.
pub(super) const ERASED: &str = "audit.erased";

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// No event has this ID.
    #[error("event {0} does not exist")]
    Unknown(AuditEventId),
    /// The event is not sealed yet.
    #[error("event {0} is not sealed yet; try again in a second")]
    Unsealed(AuditEventId),
    /// The event is about the log itself and can't be erased.
    #[error("event {0} is about the audit log itself and can't be erased")]
    Kept(AuditEventId),
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl AuditChain {
    /// Erases address, user agent and details of these events in one transaction, and records each erasure as an event. Skips
    /// events that were erased before. Returns how many were erased.
    pub async fn erase(
        &self,
        events: Vec<AuditEventId>,
        reason: Option<String>,
        author: Author,
    ) -> Result<usize, EraseError> {
        let chain = self.clone();
        self.database
            .write(move |conn| {
                // Keeps other instances from adding entries to the chain at the same time.
                queries::lock_chain_state(conn)?;
                let now = chain.database.now(conn)?;
                let mut erased: usize = 0;
                for id in events {
                    let Some((entry, event)) = queries::find_entry(conn, id)? else {
                        let is_there = queries::has_event(conn, id)?;
                        let unsealed = is_there.then_some(EraseError::Unsealed(id));
                        return Err(unsealed.unwrap_or(EraseError::Unknown(id)));
                    };
                    if event.action.starts_with("audit.") {
                        return Err(EraseError::Kept(id));
                    }
                    if entry.salt.is_none() {
                        continue;
                    }
                    queries::erase(conn, id)?;
                    let record = Event::done(ERASED)
                        .with_reason(reason.as_deref())
                        .details(json!({ "event": id, "position": entry.position }));
                    history::record(conn, now, &author, record)?;
                    erased = erased.saturating_add(1);
                }
                Ok(erased)
            })
            .await
    }
}
