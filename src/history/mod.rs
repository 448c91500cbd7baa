//! Who did what, and what it made of things: audit events and revisions.
//!
//! Promises that both are written in the transaction of the change that they tell of, so neither can be missing. Owns
//! `audit_events` (append-only), `revisions` and the seal over the log. Refuses nothing: what may be done is decided elsewhere.

mod author;
mod changes;
mod event;
mod past_instant;
mod queries;
mod revision;
mod seal;

pub use author::{Actor, Author};
pub use changes::changes;
pub use event::{
    Event, EventFilter, Outcome, PasskeyUse, RecordedEvent, list, list_passkey_uses, record,
};
pub use past_instant::{PastInstant, PastInstantError, SETTLES};
pub use revision::{Revision, StoredRevision, find_as_of, list_revisions, next_as_of, revise};
pub use seal::{
    AuditSeal, EraseError, Erasure, EventCursor, Expected, Fault, Finding, Head, LateSeal, Look,
    Report, SealError, SealView, SealedEvent, SealedPage,
};
