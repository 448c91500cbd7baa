//! `GET /v1/audit-events`.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId};
use crate::clients::Scope;
use crate::db::Database;
use crate::history::{self, EventFilter, Outcome, RecordedEvent};
use crate::sessions::Caller;
use crate::users::Users;
use crate::web::{Answer, Page, Problem, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/v1/audit-events")
            .route(web::get().to(list_audit_events))
            .default_service(only("GET")),
    );
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListEvents {
    /// Done by or to this person: id or username.
    person: Option<String>,
    /// Only events by this client, through it, or about it: a `client_id`.
    client: Option<String>,
    /// Actions that begin with this, for example `passkey.`.
    action: Option<String>,
    /// `success` or `refused`.
    outcome: Option<String>,
    /// RFC 3339: not earlier.
    from: Option<String>,
    /// RFC 3339: earlier than this.
    until: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

impl ListEvents {
    async fn parse(self, users: &Users) -> Result<(EventFilter, usize), Problem> {
        let instant = |name: &'static str, text: Option<String>| match text {
            None => Ok(None),
            Some(text) => Timestamp::parse(&text)
                .map(Some)
                .ok_or_else(|| Problem::invalid_parameter(name, "not an RFC 3339 instant")),
        };
        let person = match self.person {
            Some(name) => Some(users.resolve(&name).await?),
            None => None,
        };
        let client = match self.client {
            None => None,
            Some(text) => Some(
                ClientId::named(&text)
                    .ok_or_else(|| Problem::invalid_parameter("client", "not a client_id"))?,
            ),
        };
        let outcome = match self.outcome {
            None => None,
            Some(text) => Some(
                Outcome::parse(&text)
                    .ok_or_else(|| Problem::invalid_parameter("outcome", "success or refused"))?,
            ),
        };
        let after =
            match self.after {
                None => None,
                Some(text) => Some(AuditEventId::parse(&text).ok_or_else(|| {
                    Problem::invalid_parameter("after", "not a cursor of this list")
                })?),
            };
        let filter = EventFilter {
            person,
            client,
            action: self.action,
            outcome,
            from: instant("from", self.from)?,
            until: instant("until", self.until)?,
            after,
        };
        Ok((filter, Page::<RecordedEvent>::limit(self.limit, 200)?))
    }
}

/// What was done and refused, newest first.
#[utoipa::path(
    get, path = "/v1/audit-events", tag = "audit", params(ListEvents),
    responses(
        (status = 200, body = Page<RecordedEvent>),
        (status = 404, description = "`person` is nobody here"),
    )
)]
pub async fn list_audit_events(
    caller: Caller,
    users: web::Data<Users>,
    database: web::Data<Database>,
    query: web::Query<ListEvents>,
) -> Answer {
    caller.require(Scope::AuditRead)?;
    let (filter, limit) = query.into_inner().parse(&users).await?;
    let fetch = Page::<RecordedEvent>::fetch(limit);
    let events = database
        .read(move |conn| history::list(conn, &filter, fetch))
        .await?;
    Ok(HttpResponse::Ok().json(Page::cut(events, limit, |event| event.id.to_string())))
}
