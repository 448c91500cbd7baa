//! The seal over the audit log: every committed event is linked to the one before it, under a key of its own.
//!
//! Promises that a row altered, deleted or inserted afterwards is found by whoever has the key, and that a chain cut short, or
//! made anew from there by whoever can write to the database, is found by whoever kept a later seal. Revisions are covered by the link
//! of the event beside which they waited. Owns `audit_seals` and `audit_sealer`. Refuses to fork: the sealer's one row is held
//! while links are added. Does not promise that what a database's owner writes as new is true.

mod canonical;
mod chain;
mod erase;
mod finding;
mod key;
mod queries;
mod read;
mod step;
mod verify;

pub use erase::EraseError;
pub use finding::{Erasure, Expected, Fault, Finding, LateSeal, Report};
pub use read::{EventCursor, SealView, SealedEvent, SealedPage};
pub use step::Look;

use crate::base::ids::SealingId;
use crate::base::seal::{OpenError, Sealer};
use crate::db::{self, Database};

/// The seal over the audit log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditSeal {
    database: Database,
    sealer: Sealer,
    holder: SealingId,
}

/// Why nothing was sealed or verified.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key of the chain can't be opened.
    #[error("audit seal key: {0}")]
    Key(#[from] OpenError),
    /// Events are sealed, and the key under which they are is gone.
    #[error(
        "the audit seal key is missing, but events are sealed with it; restore the row of audit_sealer from a backup"
    )]
    KeyGone,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The newest seal: what to keep off this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many events are sealed.
    pub position: i64,
    /// The last seal.
    pub mac: Vec<u8>,
}

impl AuditSeal {
    /// A sealer of this process.
    pub fn new(database: Database, sealer: Sealer) -> Self {
        Self {
            database,
            sealer,
            holder: SealingId::random(),
        }
    }
}
