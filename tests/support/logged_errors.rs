//! Checks the logs of the instances in this process: every response with a status of 500 or above must have a logged cause.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::http::Answer;

static WATCHED: Once = Once::new();
/// Logged errors by request ID.
static ERRORS: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);

/// Starts recording; only requests that begin afterwards are recorded.
pub fn watch() {
    WATCHED.call_once(|| {
        *errors() = Some(HashMap::new());
        let subscriber = Registry::default().with(LevelFilter::INFO).with(Causes);
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    });
}

/// Checks that a response with a status of 500 or above has a cause in the log, under its request ID.
pub fn assert_stated(answer: &Answer) {
    if answer.status < 500 {
        return;
    }
    let id = answer.header("x-request-id").expect("a request ID");
    let errors = errors();
    let stated = errors.as_ref().and_then(|errors| errors.get(id));
    assert!(stated.is_some(), "no cause is logged of {answer:?}");
}

fn errors() -> MutexGuard<'static, Option<HashMap<String, Vec<String>>>> {
    ERRORS.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Causes;

struct RequestId(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Causes {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut found = Texts::default();
        attributes.record(&mut found);
        if let (Some(request), Some(span)) = (found.request, context.span(id)) {
            span.extensions_mut().insert(RequestId(request));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let mut spans = context.event_scope(event).into_iter().flatten();
        let request = spans.find_map(|span| Some(span.extensions().get::<RequestId>()?.0.clone()));
        if let (Some(request), Some(errors)) = (request, errors().as_mut()) {
            let mut texts = Texts::default();
            event.record(&mut texts);
            errors.entry(request).or_default().push(texts.all);
        }
    }
}

#[derive(Default)]
struct Texts {
    request: Option<String>,
    all: String,
}

impl Visit for Texts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "request_id" {
            self.request = Some(format!("{value:?}"));
        }
        let _ = write!(self.all, "{}={value:?} ", field.name());
    }
}
