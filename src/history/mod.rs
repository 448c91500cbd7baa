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
pub use event::{
    Event, EventFilter, Outcome, PasskeyUse, RecordedEvent, list, list_passkey_uses, record,
};
pub use past_instant::{PastInstant, PastInstantError, SETTLED_AFTER};
pub use revision::{
    Revision, StoredRevision, find_as_of, list_revisions, next_as_of, record_revision,
};
