//! Fault injection for tests: makes the store operations of HTTP requests fail, from a chosen operation on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

/// How the first failing operation fails. All later operations are not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
pub enum Cut {
    /// The operation is not run.
    Refused,
    /// The operation is run, and its result is lost.
    AnswerLost,
}

/// A fault injection switch shared by both stores of an instance. Clones share its state; the default one never
/// fails an operation.
#[derive(Clone, Debug, Default)]
pub struct Faults(Option<Arc<Mutex<State>>>);

#[derive(Debug, Default)]
struct State {
    /// How many more operations succeed, and how the next one fails; `None`: no cut is set.
    cut: Option<(usize, Cut)>,
    was_reached: bool,
}

impl Faults {
    /// Creates a switch that [`Faults::cut`] can turn on.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn switchable() -> Self {
        Self(Some(Arc::default()))
    }

    /// Lets `operations` more operations succeed and fails every later one.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn cut(&self, operations: usize, cut: Cut) {
        if let Some(state) = &self.0 {
            *lock(state) = State {
                cut: Some((operations, cut)),
                was_reached: false,
            };
        }
    }

    /// Ends the cut. Returns whether an operation failed.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn lift(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|state| std::mem::take(&mut *lock(state)).was_reached)
    }

    /// How the next operation fails, or `None`. Counts only operations of the threads that handle requests, because background work
    /// would make the count vary from run to run.
    pub(crate) fn next(&self) -> Option<Cut> {
        let state = self.0.as_ref()?;
        let is_request = Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread);
        if !is_request {
            return None;
        }
        let mut state = lock(state);
        let (left, cut) = state.cut?;
        if left > 0 {
            state.cut = Some((left.saturating_sub(1), cut));
            return None;
        }
        let was_reached = std::mem::replace(&mut state.was_reached, true);
        Some(if was_reached { Cut::Refused } else { cut })
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
