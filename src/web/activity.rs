//! Tracks whether a connection has a request that is being handled, whether the request is waiting for its body, and holds the
//! unread rest of the body. Shared by the connection and the requests that arrive on it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use actix_web::dev::Payload;
use futures_util::{FutureExt, StreamExt};

/// State of the requests on a connection. Clones share it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RequestActivity(Rc<State>);

#[derive(Default)]
struct State {
    begun: Cell<u64>,
    handled: Cell<bool>,
    awaits_body: Cell<bool>,
    paused: Cell<Option<Waker>>,
    unread: RefCell<Option<Payload>>,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("begun", &self.begun)
            .field("handled", &self.handled)
            .field("awaits_body", &self.awaits_body)
            .finish_non_exhaustive()
    }
}

impl RequestActivity {
    /// Records that a request is handled from now on. Call it when the head of a request is complete.
    pub fn begin(&self) {
        self.0.begun.set(self.0.begun.get().wrapping_add(1));
        self.0.handled.set(true);
        self.0.awaits_body.set(false);
        self.0.unread.take();
    }

    /// Holds the body of a request whose response does not depend on the rest of it, until the next request begins
    /// or the connection ends.
    ///
    /// If the body is unfinished when the response is sent, the framework then closes the connection. Had the body been dropped,
    /// the framework would wait for the end of a chunked body without a timeout.
    pub fn keep_unread(&self, mut body: Payload) {
        self.0.awaits_body.set(false);
        // Frees the parts that have arrived. More arrive only when the connection reads on, which it does not.
        while let Some(Some(Ok(_))) = body.next().now_or_never() {}
        self.0.unread.replace(Some(body));
    }

    /// Records that no request is handled. Call it when the response is complete.
    pub fn end(&self) {
        self.0.handled.set(false);
        self.resume();
    }

    /// Records whether the request is waiting for more of its body.
    pub fn set_awaits_body(&self, awaits: bool) {
        self.0.awaits_body.set(awaits);
        if awaits {
            self.resume();
        }
    }

    /// Returns whether a request is being handled that is not waiting for more of its body.
    pub fn ignores_input(&self) -> bool {
        self.is_handled() && !self.0.awaits_body.get()
    }

    /// Wakes the connection when [`Self::ignores_input`] may have changed to `false`.
    pub fn wake_on_resume(&self, waker: &Waker) {
        self.0.paused.set(Some(waker.clone()));
    }

    fn resume(&self) {
        if let Some(waker) = self.0.paused.take() {
            waker.wake();
        }
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
