//! Whether a connection has a request that is being handled. Shared by the connection and the requests that arrive on it.

use std::cell::Cell;
use std::rc::Rc;

/// The state of the requests on a connection. Clones share it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Activity(Rc<State>);

#[derive(Debug, Default)]
struct State {
    begun: Cell<u64>,
    handled: Cell<bool>,
}

impl Activity {
    /// Call when the head of a request is complete.
    pub fn begin(&self) {
        self.0.begun.set(self.0.begun.get().wrapping_add(1));
        self.0.handled.set(true);
    }

    /// Call when the response to it is complete.
    pub fn end(&self) {
        self.0.handled.set(false);
    }

    /// How many requests have begun.
    pub fn begun(&self) -> u64 {
        self.0.begun.get()
    }

    /// Whether one is being handled.
    pub fn is_handled(&self) -> bool {
        self.0.handled.get()
    }
}
