//! Work that follows a commit: a fact is enqueued in the transaction that makes it true, and done afterwards.
//!
//! Promises that every row is worked off at least once, by whichever instance takes it first; one that dies amid its work is
//! followed by another when its lease has run out. Rows of one queue wait for each other, those of other queues do not. What
//! fails is tried again after 1 s, 2 s, 4 s and so on, ten minutes at the most; the twelfth attempt is the last. Owns the
//! table `outbox`. Knows nothing of what the work is: a [`Worker`] does it, and audits its outcome. Times are by the
//! database's clock.

mod attempt;
mod look;
mod queries;
mod run;

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::ids::WorkId;
use crate::db;

pub use run::Outbox;

/// How often a piece of work is tried.
const MOST_ATTEMPTS: u32 = 12;

/// Work to be done once the transaction that enqueues it is committed.
#[derive(Clone, Debug)]
pub struct NewWork {
    /// Kind of the work, which decides the worker.
    pub kind: &'static str,
    /// What it waits in line with: one slow target, one queue.
    pub queue: String,
    /// What the worker needs to know. No secrets: they would last as long as the row does.
    pub payload: Value,
}

/// Enqueues work within the caller's transaction, due at once. `now` is the database's. After the commit [`Outbox::wake`] has
/// this instance look without delay; the others look within half a second.
pub fn enqueue(conn: &mut db::Connection, now: Timestamp, work: NewWork) -> db::Result<WorkId> {
    let id = WorkId::sortable();
    queries::insert(conn, id, now, work)?;
    Ok(id)
}

/// Work under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Which row; the same at every attempt.
    pub id: WorkId,
    /// Kind of the work, which decides the worker.
    pub kind: String,
    /// What it waits in line with.
    pub queue: String,
    /// As it was enqueued.
    pub payload: Value,
    /// How many attempts were begun, this one included.
    pub attempts: u32,
}

impl Work {
    /// Whether the row is removed after this attempt, come what may: a worker audits its failure now.
    pub fn is_last_attempt(&self) -> bool {
        self.attempts >= MOST_ATTEMPTS
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worked {
    /// It is done; the row goes.
    Done,
    /// Not this time; it is tried again later, unless this was the last attempt.
    Again {
        /// Why, for the log.
        reason: String,
    },
    /// It can't ever be done; the row goes.
    GaveUp,
}

/// Does the work of one kind.
pub trait Worker: Send + Sync + 'static {
    /// Which kind.
    fn kind(&self) -> &'static str;

    /// One attempt, outside of any transaction. It is broken off after 25 seconds, and counts as [`Worked::Again`]. It may be
    /// a repetition of one that was done: an instance can die after the work and before it says so.
    fn work(&self, work: Work) -> impl Future<Output = Worked> + Send;
}
