//! Whether a connection has a request that is being handled, and what is left of its body. Shared by the connection and the requests
//! that arrive on it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use actix_web::dev::Payload;

/// The state of the requests on a connection. Clones share it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Activity(Rc<State>);

#[derive(Default)]
struct State {
    begun: Cell<u64>,
    handled: Cell<bool>,
    unread: RefCell<Option<Payload>>,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("begun", &self.begun)
            .field("handled", &self.handled)
            .finish_non_exhaustive()
    }
}

impl Activity {
    /// Call when the head of a request is complete.
    pub fn begin(&self) {
        self.0.begun.set(self.0.begun.get().wrapping_add(1));
        self.0.handled.set(true);
        self.0.unread.take();
    }

    /// Keeps the body of a request whose response does not depend on the rest of it, until the next request begins or the connection
    /// ends.
    ///
    /// If the body is unfinished when the response is sent, the framework then closes the connection. It would wait for the end of a
    /// chunked body that was dropped, without a timeout.
    pub fn keep_unread(&self, body: Payload) {
        self.0.unread.replace(Some(body));
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
