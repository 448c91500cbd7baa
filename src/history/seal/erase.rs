//! Erasing what events tell of people, with a sealed record of each erasure.

use serde_json::json;

use super::{AuditSeal, queries};
use crate::base::ids::AuditEventId;
use crate::db;
use crate::history::{self, Author, Event};

/// The action of the event that records an erasure.
pub(super) const ERASED: &str = "audit.erased";

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is no event of this id.
    #[error("there is no event {0}")]
    Unknown(AuditEventId),
    /// The event waits for its seal.
    #[error("the event {0} is not sealed yet: wait a second")]
    Unsealed(AuditEventId),
    /// The event records what was done to the log itself.
    #[error("the event {0} records what was done to the log, and stays whole")]
    Kept(AuditEventId),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl AuditSeal {
    /// Erases address, user agent and details of these events, all or none, and records each erasure as an event; how many were
    /// erased. Those that were erased before are left as they are.
    ///
    /// # Errors
    /// Why nothing was erased.
    pub async fn erase(
        &self,
        events: Vec<AuditEventId>,
        reason: Option<String>,
        author: Author,
    ) -> Result<usize, EraseError> {
        let seal = self.clone();
        self.database
            .write(move |conn| {
                // Nobody adds links meanwhile.
                queries::lock_sealer(conn)?;
                let now = seal.database.now(conn)?;
                let mut erased: usize = 0;
                for id in events {
                    let Some((link, event)) = queries::find_link(conn, id)? else {
                        let is_there = queries::has_event(conn, id)?;
                        let unsealed = is_there.then_some(EraseError::Unsealed(id));
                        return Err(unsealed.unwrap_or(EraseError::Unknown(id)));
                    };
                    if event.action.starts_with("audit.") {
                        return Err(EraseError::Kept(id));
                    }
                    if link.salt.is_none() {
                        continue;
                    }
                    queries::erase(conn, id)?;
                    let record = Event::done(ERASED)
                        .because(reason.as_deref())
                        .details(json!({ "event": id, "position": link.position }));
                    history::record(conn, now, &author, record)?;
                    erased = erased.saturating_add(1);
                }
                Ok(erased)
            })
            .await
    }
}
