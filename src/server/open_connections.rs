//! Counts and limits the open connections of a listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::IntGauge;

use crate::web::MemoryBudget;

/// Memory limit of all unfinished request heads together, in bytes, beyond the first few KiB of each.
const HEADS_BYTES: usize = 2 << 20;

/// Counts and limits the connections of one listener. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    open: IntGauge,
    max: i64,
    is_full: Arc<AtomicBool>,
    pub(super) heads: MemoryBudget,
}

impl Connections {
    /// Creates the counter; `max` is the limit, and the gauge `open` counts the connections.
    pub(super) fn new(max: usize, open: IntGauge) -> Self {
        Self {
            open,
            max: i64::try_from(max).unwrap_or(i64::MAX),
            is_full: Arc::default(),
            heads: MemoryBudget::new(HEADS_BYTES),
        }
    }

    pub(super) fn open(&self) -> ConnectionSlot {
        self.open.inc();
        if self.open.get() >= self.max && !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                connections = self.max,
                "the limit of open files is reached; new connections wait until others close (raise `ulimit -n`)"
            );
        }
        ConnectionSlot(self.clone())
    }

    fn close(&self) {
        self.open.dec();
        let has_room = self.open.get() < self.max - self.max / 10;
        if has_room && self.is_full.swap(false, Ordering::Relaxed) {
            tracing::info!("accepting new connections again");
        }
    }
}

/// An open connection, counted until it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot(Connections);

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.0.close();
    }
}
