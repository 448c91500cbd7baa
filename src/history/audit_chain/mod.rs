//! The audit chain: each committed audit event gets an entry that is linked to the previous one by an HMAC under its own key.
//!
//! Guarantees that rows altered, deleted or inserted afterwards are detected with the key, and that a chain that was cut short,
//! or rewritten from some point by a party that can write to the database, is detected with a later MAC that was stored
//! elsewhere. Each entry also covers the revisions that were unsealed when it was added. Owns `audit_chain_entries` and `audit_chain_state`.
//! The chain can't fork: the single row of `audit_chain_state` is locked while entries are added. Can't detect false new events by
//! the database's owner.

mod append;
mod canonical;
mod entry;
mod erase;
mod finding;
mod key;
mod queries;
mod read;
mod verify;

pub use append::ChainStatus;
pub use erase::EraseError;
pub use finding::{Erasure, Expected, Finding, FindingKind, LateSeal, Report};
pub use read::{EventCursor, SealView, SealedEvent, SealedPage};

use crate::base::ids::AuditChainWriterId;
use crate::base::seal::{OpenError, Sealer};
use crate::db::{self, Database};

/// Seals and verifies the audit log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditChain {
    database: Database,
    sealer: Sealer,
    holder: AuditChainWriterId,
}

/// Why nothing was sealed or verified.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The key of the chain can't be decrypted.
    #[error("audit seal key: {0}")]
    Key(#[from] OpenError),
    /// Events are sealed, but the key is missing.
    #[error(
        "the audit seal key is missing, but events are sealed with it; restore the row of audit_chain_state from a backup"
    )]
    KeyGone,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The end of the chain. Store it outside of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// Position of the last entry, which is the number of sealed events.
    pub position: i64,
    /// MAC of the last entry.
    pub mac: Vec<u8>,
}

impl AuditChain {
    /// Creates the service. The process gets an ID under which it holds the lease.
    pub fn new(database: Database, sealer: Sealer) -> Self {
        Self {
            database,
            sealer,
            holder: AuditChainWriterId::random(),
        }
    }
}
