//! Rolls back transactions that take too long for their timestamp.
//!
//! A change is stored with the database's time as read within its transaction, and becomes visible at its commit. Responses about
//! the state at an earlier time are final only because the delay between the two is bounded.

use std::cell::Cell;
use std::time::Duration;

use super::Error;
use crate::base::clock::Stopwatch;

/// A change becomes visible within this time after its timestamp, or never.
pub const VISIBLE_WITHIN: Duration = Duration::from_secs(2);
/// A transaction that read the clock longer ago than this is rolled back. The difference to [`VISIBLE_WITHIN`] is left
/// for the commit.
const MAX_DURATION: Duration = Duration::from_millis(1500);

thread_local! {
    // Thread-local, because a transaction runs on one thread and queries have access only to the connection.
    static FIRST_CLOCK_READ: Cell<Option<Stopwatch>> = const { Cell::new(None) };
}

/// Called when a transaction begins on this thread.
pub(super) fn begin() {
    FIRST_CLOCK_READ.set(None);
}

/// Called before the transaction on this thread reads the database's clock.
pub(super) fn note_clock_read() {
    if FIRST_CLOCK_READ.get().is_none() {
        FIRST_CLOCK_READ.set(Some(Stopwatch::start()));
    }
}

/// Whether the transaction on this thread may still be committed.
///
/// # Errors
/// `Unavailable`, when it took too long. The transaction is safe to retry.
pub(super) fn check() -> Result<(), Error> {
    match FIRST_CLOCK_READ.get() {
        Some(first) if first.elapsed() > MAX_DURATION => {
            Err(Error::Unavailable("the change took too long".into()))
        }
        Some(_) | None => Ok(()),
    }
}

/// Logs a commit that took so long that responses about the past, sent before it was visible, may lack the change.
pub(super) fn warn_if_late() {
    if let Some(first) = FIRST_CLOCK_READ.take()
        && first.elapsed() > VISIBLE_WITHIN
    {
        tracing::error!(
            elapsed_us = first.elapsed_micros(),
            "a commit was so slow that responses about the past may lack it"
        );
    }
}
