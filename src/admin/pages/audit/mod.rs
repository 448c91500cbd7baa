//! `GET /admin/audit`: the events of the audit log, newest first. The filters are in the URL.

mod filters;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

pub(super) use self::filters::parse_instant;
use self::filters::{FilterFault, Filters};
use super::Pager;
use super::events::{EventView, views};
use super::visitor::Administrator;
use crate::history;
use crate::web::{Answer, FieldProblem, Frame, Page, page_with_status, rows_to_fetch};

/// Events per page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "admin_audit.html")]
struct AdminAuditPage {
    frame: Frame,
    filters: Filters,
    problem: Option<FieldProblem>,
    events: Vec<EventView>,
    pages: Pager,
}

pub(super) async fn show_audit(
    administrator: Administrator,
    filters: web::Query<Filters>,
) -> Answer {
    let (frame, database) = (administrator.frame(), &administrator.database);
    let (found, problem, status) = match filters.parse(&frame, &administrator.users).await {
        Ok(filter) => {
            let list = move |conn: &mut _| history::list(conn, &filter, rows_to_fetch(PAGE));
            let events = database.read(list);
            (events.await?, None, StatusCode::OK)
        }
        Err(FilterFault::Field(problem)) => (Vec::new(), Some(problem), StatusCode::BAD_REQUEST),
        Err(FilterFault::Other(problem)) => return Err(problem),
    };
    let found = Page::from_rows(found, PAGE, |event| event.id.to_string());
    let (users, passkeys) = (&administrator.users, &administrator.passkeys);
    let events = views(&frame, users, passkeys, database, found.items).await?;
    let template = AdminAuditPage {
        frame,
        pages: filters.pages(found.next.as_deref()),
        filters: filters.into_inner(),
        problem,
        events,
    };
    page_with_status(status, &template)
}
