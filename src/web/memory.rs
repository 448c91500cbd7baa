//! Limits on the memory that the unfinished requests of all connections use together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of bytes that requests share. Clones share it too. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl MemoryBudget {
    /// Creates a budget of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self {
            used: Arc::default(),
            bytes,
        }
    }

    /// Returns a share of the budget, empty at first.
    pub fn reservation(&self) -> MemoryReservation {
        MemoryReservation {
            budget: self.clone(),
            bytes: 0,
        }
    }
}

/// Bytes that one request or connection has taken from a budget. Dropping the share returns them.
#[derive(Debug)]
pub struct MemoryReservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl MemoryReservation {
    /// Takes more bytes from the budget. Returns `false` and takes nothing if too few are left.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let limit = self.budget.bytes;
        let taken = self
            .budget
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|total| *total <= limit)
            });
        if taken.is_ok() {
            self.bytes = self.bytes.saturating_add(bytes);
        }
        taken.is_ok()
    }

    /// Returns how many bytes the share has taken.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns all bytes to the budget.
    pub fn release(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > 0 {
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_and_return_what_they_took() {
        let budget = MemoryBudget::new(10);
        let (mut one, mut other) = (budget.reservation(), budget.reservation());
        assert!(one.grow(6) && other.grow(4));
        assert!(!one.grow(1), "the budget is used up");
        assert!(!other.grow(usize::MAX), "no overflow");
        drop(other);
        assert!(one.grow(4));
        one.release();
        assert!(budget.reservation().grow(10));
    }
}
