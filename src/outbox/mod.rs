//! The transactional outbox: work is enqueued in the transaction that causes it, and done after the commit.
//!
//! Guarantees that every row is processed at least once, by whichever instance claims it first; if that instance dies, another one
//! takes over when the lease expires. Each instance runs at most two jobs of a queue at a time, so a slow target delays only its own
//! queue. Failed work is retried after 1 s, 2 s, 4 s and so on, at most ten minutes; the twelfth attempt is the last. Owns the table `outbox`. Knows
//! nothing of the work itself: a [`Worker`] does it and audits its outcome. Times are those of the database's clock.

mod attempt;
mod claim;
mod queries;
mod run;

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::ids::WorkId;
use crate::db;

pub use run::Outbox;

const MAX_ATTEMPTS: u32 = 12;

/// Work to be done once the transaction that enqueues it is committed.
#[derive(Clone, Debug)]
pub struct NewWork {
    /// Kind of the work, which decides the worker.
    pub kind: &'static str,
    /// Name of its queue. Work for the same target belongs in one queue, so that a slow target delays only itself.
    pub queue: String,
    /// The data that the worker needs. Must contain no secrets, which would be stored as long as the row.
    pub payload: Value,
}

/// Enqueues work in the caller's transaction, due immediately. `now` is the database's time. Instances find it within half a
/// second; [`Outbox::wake`] makes this instance poll without delay.
pub fn enqueue(conn: &mut db::Connection, now: Timestamp, work: NewWork) -> db::Result<WorkId> {
    let id = WorkId::sortable();
    queries::insert(conn, id, now, work)?;
    Ok(id)
}

/// Work that this instance claimed under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// ID of the row; the same for every attempt.
    pub id: WorkId,
    /// Kind of the work, which decides the worker.
    pub kind: String,
    /// Name of its queue.
    pub queue: String,
    /// The data that was enqueued with the work.
    pub payload: Value,
    /// How many attempts were started, this one included.
    pub attempts: u32,
}

impl Work {
    /// Returns whether the row is deleted after this attempt, whatever its outcome; if so, the worker must audit a failure.
    pub fn is_last_attempt(&self) -> bool {
        self.attempts >= MAX_ATTEMPTS
    }
}

/// Outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// The work is done; the row is deleted.
    Done,
    /// The attempt failed. The work is retried later, unless this was the last attempt.
    Retry {
        /// Why it failed, for the log.
        reason: String,
    },
    /// The work can never be done; the row is deleted.
    Abandoned,
}

/// Does the work of one kind.
pub trait Worker: Send + Sync + 'static {
    /// Returns the kind of work that this worker does.
    fn kind(&self) -> &'static str;

    /// Runs one attempt, outside of any transaction. It is cancelled after 25 seconds and then counts as [`AttemptResult::Retry`]. Work
    /// may be repeated although it was done: an instance can die after the work and before it stores the outcome.
    fn work(&self, work: Work) -> impl Future<Output = AttemptResult> + Send;
}
