//! Transactions too slow for the instant that they bear are not committed.
//!
//! A change is stored under the database's clock as its transaction read it, and is seen after its commit. Whoever asks how
//! things stood at an instant gets an answer that can't change any more only if the time between the two is bounded.

use std::cell::Cell;
use std::time::Duration;

use super::Error;
use crate::base::clock::Stopwatch;

/// A change is seen this long after the instant that it bears, or never.
pub const SEEN_WITHIN: Duration = Duration::from_secs(2);
/// A transaction whose first look at the clock is longer ago than this is undone: what is left is for its commit.
const LONGEST: Duration = Duration::from_millis(1500);

thread_local! {
    // A transaction runs on one thread from its beginning to its end, and verbs reach it by the connection alone.
    static FIRST_LOOK: Cell<Option<Stopwatch>> = const { Cell::new(None) };
}

/// A transaction begins on this thread.
pub(super) fn begin() {
    FIRST_LOOK.set(None);
}

/// The transaction on this thread is about to look at the database's clock.
pub(super) fn look() {
    if FIRST_LOOK.get().is_none() {
        FIRST_LOOK.set(Some(Stopwatch::start()));
    }
}

/// Whether the transaction on this thread may still be committed.
///
/// # Errors
/// `Away`, when it took too long; it is safe to repeat.
pub(super) fn check() -> Result<(), Error> {
    match FIRST_LOOK.get() {
        Some(first) if first.elapsed() > LONGEST => {
            Err(Error::Away("the change took too long".into()))
        }
        Some(_) | None => Ok(()),
    }
}

/// Tells of a commit that took so long that an answer given meanwhile may have lacked it.
pub(super) fn committed() {
    if let Some(first) = FIRST_LOOK.take()
        && first.elapsed() > SEEN_WITHIN
    {
        tracing::error!(
            elapsed_us = first.elapsed_micros(),
            "a commit was so slow that responses about the past may lack it"
        );
    }
}
