//! Who did what, and what it made of things: audit events and revisions.
//!
//! Promises that both are written in the transaction of the change that they tell of, so neither can be missing. Owns
//! `audit_events` (append-only) and `revisions`. Refuses nothing: what may be done is decided elsewhere.

mod author;
mod event;
mod queries;
mod revision;

pub use author::{Actor, Author};
pub use event::{
    Event, EventFilter, Outcome, PasskeyUse, RecordedEvent, list, list_passkey_uses, record,
};
pub use revision::{
    Revision, SETTLES, StoredRevision, find_as_of, is_settled, list_revisions, next_as_of, revise,
    revise_many,
};
