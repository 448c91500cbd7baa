//! `GET /admin/audit`: the events of the audit log, newest first. The filters are in the URL.

mod filters;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

pub(super) use self::filters::parse_instant;
use self::filters::{FilterFault, Filters, field_value};
use super::events::{EventView, views};
use super::visitor::Administrator;
use crate::history::{self, RecordedEvent};
use crate::web::{Answer, FieldProblem, Frame, Page, page_with_status};

/// Events per page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "admin_audit.html")]
struct AdminAuditPage {
    frame: Frame,
    person: String,
    client: String,
    action: String,
    outcome: String,
    from: String,
    until: String,
    actions: Vec<String>,
    problem: Option<FieldProblem>,
    events: Vec<EventView>,
    first_url: Option<String>,
    next_url: Option<String>,
}

pub(super) async fn show_audit(
    administrator: Administrator,
    filters: web::Query<Filters>,
) -> Answer {
    let (frame, database) = (administrator.frame(), &administrator.database);
    let (found, problem, status) = match filters.parse(&frame, &administrator.users).await {
        Ok(filter) => {
            let fetch = Page::<RecordedEvent>::fetch(PAGE);
            let events = database.read(move |conn| history::list(conn, &filter, fetch));
            (events.await?, None, StatusCode::OK)
        }
        Err(FilterFault::Field(problem)) => (Vec::new(), Some(problem), StatusCode::BAD_REQUEST),
        Err(FilterFault::Other(problem)) => return Err(problem),
    };
    let found = Page::cut(found, PAGE, |event| event.id.to_string());
    let (users, passkeys) = (&administrator.users, &administrator.passkeys);
    let events = views(&frame, users, passkeys, database, found.items).await?;
    let first_url = Some(filters.url("")).filter(|_| !filters.after.is_empty());
    let next_url = found.next.map(|next| filters.url(&next));
    let actions = filters.actions();
    let filters = filters.into_inner();
    let template = AdminAuditPage {
        frame,
        person: filters.person,
        client: filters.client,
        action: filters.action,
        outcome: filters.outcome,
        from: field_value(&filters.from),
        until: field_value(&filters.until),
        actions,
        problem,
        events,
        first_url,
        next_url,
    };
    page_with_status(status, &template)
}
