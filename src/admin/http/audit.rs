//! `GET /v1/audit-events`: lists the events of the audit log.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::admin::commands::Commands;
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId};
use crate::clients::Scope;
use crate::history::{self, EventFilter, Outcome, RecordedEvent};
use crate::users::Users;
use crate::web::{Answer, Page, Problem, cursor, page_size, parameter, rows_to_fetch};

/// Filters and page of a list of audit events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListEvents {
    /// Only events by or about this user: ID or username.
    user: Option<String>,
    /// Only events by this client, through it, or about it: a `client_id`.
    client: Option<String>,
    /// Only events whose action begins with this text, for example `passkey.`.
    action: Option<String>,
    /// Only events with this outcome: `success` or `refused`.
    outcome: Option<String>,
    /// Only events at this time (RFC 3339) or later.
    from: Option<String>,
    /// Only events before this time (RFC 3339).
    until: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

impl ListEvents {
    async fn parse(self, users: &Users) -> Result<(EventFilter, usize), Problem> {
        let instant = |text: &str| Timestamp::parse(text).ok_or("must be an RFC 3339 time");
        let client = |text: &str| ClientId::named(text).ok_or("must be a client_id");
        let filter = EventFilter {
            user: match self.user {
                Some(name) => Some(users.resolve(&name).await?),
                None => None,
            },
            client: parameter("client", self.client.as_deref(), client)?,
            action: self.action,
            outcome: parameter("outcome", self.outcome.as_deref(), parse_outcome)?,
            after: cursor(self.after.as_deref(), AuditEventId::parse)?,
            from: parameter("from", self.from.as_deref(), instant)?,
            until: parameter("until", self.until.as_deref(), instant)?,
        };
        Ok((filter, page_size(self.limit)?))
    }
}

/// Parses the outcome of an event.
pub(in crate::admin) fn parse_outcome(text: &str) -> Result<Outcome, &'static str> {
    Outcome::parse(text).ok_or("must be success or refused")
}

/// Lists audit events, newest first.
#[utoipa::path(
    get, path = "/v1/audit-events", tag = "audit", params(ListEvents),
    responses(
        (status = 200, description = "A page of events", body = Page<RecordedEvent>),
        (status = 404, description = "No user has the ID or username in `user`"),
    )
)]
pub async fn list_audit_events(commands: Commands, query: web::Query<ListEvents>) -> Answer {
    commands.actor.require(Scope::AuditRead)?;
    let (filter, limit) = query.into_inner().parse(&commands.users).await?;
    let list = move |conn: &mut _| history::list(conn, &filter, rows_to_fetch(limit));
    let events = commands.database.read(list).await?;
    Ok(HttpResponse::Ok().json(Page::from_rows(events, limit, |event| event.id.to_string())))
}
