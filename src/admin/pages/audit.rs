//! `GET /admin/audit`: what was done and refused, newest first. The filters stay in the address.

mod filters;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

pub(super) use self::filters::parse_instant;
use self::filters::{FilterFault, Filters, field_value};
use super::administrator::Administrator;
use super::events::{EventView, views};
use crate::db::Database;
use crate::history::{self, EventFilter, RecordedEvent};
use crate::passkeys::Passkeys;
use crate::users::Users;
use crate::web::{Answer, FieldProblem, Frame, Page, Problem, only, page_with_status};

/// Events on one page.
const PAGE: usize = 50;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/audit")
            .route(web::get().to(show_audit))
            .default_service(only("GET")),
    );
}

#[derive(Template)]
#[template(path = "console_audit.html")]
struct ConsoleAuditPage {
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

async fn show_audit(
    administrator: Administrator,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    database: web::Data<Database>,
    filters: web::Query<Filters>,
) -> Answer {
    let frame = administrator.0.frame;
    let (found, problem) = match filters.parse(&frame, &users).await {
        Ok(filter) => (list(&database, filter).await?, None),
        Err(FilterFault::Field(problem)) => {
            let items = Vec::new();
            (Page { items, next: None }, Some(problem))
        }
        Err(FilterFault::Other(problem)) => return Err(problem),
    };
    let status = match problem {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let events = views(&frame, &users, &passkeys, &database, found.items).await?;
    let first_url = Some(filters.url("")).filter(|_| !filters.after.is_empty());
    let next_url = found.next.map(|next| filters.url(&next));
    let actions = filters.actions();
    let filters = filters.into_inner();
    let template = ConsoleAuditPage {
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

async fn list(database: &Database, filter: EventFilter) -> Result<Page<RecordedEvent>, Problem> {
    let fetch = Page::<RecordedEvent>::fetch(PAGE);
    let events = database
        .read(move |conn| history::list(conn, &filter, fetch))
        .await?;
    Ok(Page::cut(events, PAGE, |event| event.id.to_string()))
}
