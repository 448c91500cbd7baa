//! The audit log and the history of records: events that say who did what, and revisions that store every version of a record.
//!
//! Guarantees that both are written in the transaction of the change that they describe, so neither can be missing. Owns
//! `audit_events` (append-only), `revisions` and the audit chain. Doesn't check permissions.

mod audit_chain;
mod author;
mod changes;
mod event;
mod past_instant;
mod queries;
mod revision;

pub use audit_chain::{
    AuditChain, ChainError, ChainHead, ChainStatus, EraseError, Erasure, EventCursor, Expected,
    Finding, FindingKind, LateSeal, Report, SealView, SealedEvent, SealedPage,
};
pub use author::{Actor, Author};
pub use changes::changes;
pub use event::{Event, EventFilter, Outcome, record};
pub use past_instant::{PastInstant, PastInstantError, SETTLED_AFTER};
pub use queries::rows::{PasskeyUse, RecordedEvent, StoredRevision};
pub use queries::{
    find_as_of, list_events as list, list_passkey_uses, list_revisions, record_revision,
};
pub use revision::{Revision, next_as_of};
