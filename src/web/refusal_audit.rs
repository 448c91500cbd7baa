//! Records refusals of known callers in the audit log, rate-limited by caller. Requests of unknown callers are not recorded.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use serde_json::{Map, Value, json};

use super::{Problem, author};
use crate::base::clock::Clock;
use crate::base::ids::ClientId;
use crate::db::{self, Database};
use crate::ephemeral::Ephemeral;
use crate::history::{self, Actor, Author, Event};

const WINDOW: Duration = Duration::from_secs(60);
/// How many refusals of one caller are recorded individually per minute. For further ones only their count is recorded.
const MAX_EVENTS: u64 = 10;

/// The caller of a request, stored in its extensions as soon as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifiedCaller {
    /// An authenticated caller.
    Authenticated(Actor),
    /// A client that was named with a wrong secret.
    WrongSecret(ClientId),
}

impl IdentifiedCaller {
    /// Stores the caller in the request, in place of an earlier one.
    pub fn note(self, request: &HttpRequest) {
        request.extensions_mut().insert(self);
    }
}

/// Records refusals of known callers in the audit log.
#[derive(Clone, Debug)]
pub struct RefusalRecorder {
    database: Database,
    ephemeral: Ephemeral,
    clock: Clock,
}

impl RefusalRecorder {
    /// Creates the recorder. Events are written to `database` and counted in `ephemeral`.
    pub fn new(database: Database, ephemeral: Ephemeral, clock: Clock) -> Self {
        Self {
            database,
            ephemeral,
            clock,
        }
    }

    /// Records a refusal, unless too many refusals of this caller (`user:…`, `client:…`, `passkey:…`) were recorded in this
    /// minute. If a store is unavailable, only a warning is logged; the request stays refused.
    pub async fn record(&self, caller: &str, author: Author, event: Event) {
        let minute = self.clock.now().as_micros().div_euclid(60_000_000);
        let key = format!("refusal:{caller}:{minute}");
        let written = match self.ephemeral.count(&key, WINDOW).await {
            Ok(count) => match bounded(event, count) {
                Some(event) => self
                    .write(author, event)
                    .await
                    .map_err(|error| error.to_string()),
                None => Ok(()),
            },
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = written {
            tracing::warn!(%error, caller, "can't write a refusal to the audit log");
        }
    }

    async fn write(&self, author: Author, event: Event) -> db::Result<()> {
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let now = database.now(conn)?;
                history::record(conn, now, &author, event)
            })
            .await
    }
}

/// Returns the event to write for the `number`th refusal in a minute: each of the first ten, then one whenever
/// their count has doubled.
fn bounded(mut event: Event, number: u64) -> Option<Event> {
    if number <= MAX_EVENTS {
        return Some(event);
    }
    let times = number.checked_div(MAX_EVENTS)?;
    if number != times.saturating_mul(MAX_EVENTS) || !times.is_power_of_two() {
        return None;
    }
    if let Some(details) = event.details.as_object_mut() {
        details.insert("refused_in_this_minute".into(), json!(number));
    }
    Some(event)
}

/// Middleware: records the refusals of known callers.
pub async fn record_refusals<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let response = next.call(request).await?;
    if let Some((caller, author, event)) = refusal_of(&response)
        && let Some(refusals) = response.request().app_data::<web::Data<RefusalRecorder>>()
    {
        refusals.record(&caller, author, event).await;
    }
    Ok(response)
}

fn refusal_of<B>(response: &ServiceResponse<B>) -> Option<(String, Author, Event)> {
    let status = response.status();
    if !status.is_client_error() {
        return None;
    }
    let request = response.request();
    let known = request.extensions().get::<IdentifiedCaller>().copied()?;
    match known {
        // The sender may be anyone. Counted separately, so that they can't use up the limit of the client's own refusals.
        IdentifiedCaller::WrongSecret(client) => {
            let event = Event::refused("client.authenticated", "wrong-secret").client(client);
            let author = author(request, Actor::Doorward);
            Some((
                format!("wrong-secret:{client}"),
                author,
                event.details(request_target(request)),
            ))
        }
        IdentifiedCaller::Authenticated(actor) if status == StatusCode::FORBIDDEN => {
            let extensions = response.response().extensions();
            let problem = extensions.get::<Problem>()?;
            if problem.kind != "forbidden" {
                return None;
            }
            let mut details = request_target(request);
            let scope = problem.member("scope").cloned();
            let reason = scope.as_ref().map_or("not-allowed", |_| "scope-missing");
            if let (Some(scope), Some(details)) = (scope, details.as_object_mut()) {
                details.insert("scope".into(), scope);
            }
            let author = author(request, actor);
            let event = Event::refused("request.refused", reason).details(details);
            Some((author.actor_text(), author, event))
        }
        IdentifiedCaller::Authenticated(_) => None,
    }
}

/// Returns method and route pattern of a request; not the path, which may contain secrets.
fn request_target(request: &HttpRequest) -> Value {
    let mut details = Map::new();
    details.insert("method".into(), json!(request.method().as_str()));
    if let Some(route) = request.match_pattern() {
        details.insert("route".into(), json!(route));
    }
    Value::Object(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusals_are_recorded_and_then_each_doubling_of_their_count() {
        let written: Vec<u64> = (1..=200)
            .filter(|number| bounded(Event::done("request.refused"), *number).is_some())
            .collect();
        let first: Vec<u64> = (1..=10).collect();
        assert_eq!(written, [&first[..], &[20, 40, 80, 160]].concat());
        let event = bounded(Event::done("request.refused"), 40).expect("an event");
        assert_eq!(event.details, json!({ "refused_in_this_minute": 40 }));
    }
}
