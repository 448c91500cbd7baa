//! Fault injection for tests: makes the store operations of HTTP requests fail, from a chosen operation on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

/// How the first failing operation fails. All later operations are not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
pub enum InjectedFault {
    /// The operation is not run.
    NotRun,
    /// The operation is run, and its result is lost.
    ResultLost,
}

/// A fault injection switch shared by both stores of an instance. Clones share its state; the default one never
/// fails an operation.
#[derive(Clone, Debug, Default)]
pub struct FaultInjector(Option<Arc<Mutex<State>>>);

#[derive(Debug, Default)]
struct State {
    /// How many more operations succeed, and how the next one fails; `None`: no cut is set.
    fault: Option<(usize, InjectedFault)>,
    was_injected: bool,
}

impl FaultInjector {
    /// Creates a switch that [`FaultInjector::inject_after`] can turn on.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn switchable() -> Self {
        Self(Some(Arc::default()))
    }

    /// Lets `operations` more operations succeed and fails every later one.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn inject_after(&self, operations: usize, fault: InjectedFault) {
        if let Some(state) = &self.0 {
            *lock(state) = State {
                fault: Some((operations, fault)),
                was_injected: false,
            };
        }
    }

    /// Ends the cut. Returns whether an operation failed.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn clear(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|state| std::mem::take(&mut *lock(state)).was_injected)
    }

    /// How the next operation fails, or `None`. Counts only operations of the threads that handle requests, because background work
    /// would make the count vary from run to run.
    pub(crate) fn next(&self) -> Option<InjectedFault> {
        let state = self.0.as_ref()?;
        let is_request = Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread);
        if !is_request {
            return None;
        }
        let mut state = lock(state);
        let (left, fault) = state.fault?;
        if left > 0 {
            state.fault = Some((left.saturating_sub(1), fault));
            return None;
        }
        let was_injected = std::mem::replace(&mut state.was_injected, true);
        Some(if was_injected {
            InjectedFault::NotRun
        } else {
            fault
        })
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
