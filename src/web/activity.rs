//! Tracks whether a connection has a request that is being handled, and holds the unread rest of its body. Shared by the
//! connection and the requests that arrive on it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use actix_web::dev::Payload;

/// State of the requests on a connection. Clones share it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RequestActivity(Rc<State>);

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

impl RequestActivity {
    /// Records that a request is handled from now on. Call it when the head of a request is complete.
    pub fn begin(&self) {
        self.0.begun.set(self.0.begun.get().wrapping_add(1));
        self.0.handled.set(true);
        self.0.unread.take();
    }

    /// Holds the body of a request whose response does not depend on the rest of it, until the next request begins
    /// or the connection ends.
    ///
    /// If the body is unfinished when the response is sent, the framework then closes the connection. Had the body been dropped,
    /// the framework would wait for the end of a chunked body without a timeout.
    pub fn keep_unread(&self, body: Payload) {
        self.0.unread.replace(Some(body));
    }

    /// Records that no request is handled. Call it when the response is complete.
    pub fn end(&self) {
        self.0.handled.set(false);
    }

    /// Returns how many requests have begun.
    pub fn begun(&self) -> u64 {
        self.0.begun.get()
    }

    /// Returns whether a request is being handled.
    pub fn is_handled(&self) -> bool {
        self.0.handled.get()
    }
}
