//! `/admin/clients`: administrators register, change, disable and delete apps and services.

pub(super) mod act;
mod explain;
mod fields;
mod form;
pub(super) mod one;
pub(super) mod register;
mod secret;

use actix_web::web;
use askama::Template;

use super::visitor::Administrator;
use super::{Listing, Pager, given};
use crate::base::ids::ClientId;
use crate::clients::{Client, ClientError, GrantType};
use crate::web::{Answer, Frame, Page, cursor, no_cursor, page, rows_to_fetch};

/// Clients per page.
const PAGE: usize = 50;

/// Text key of a client's kind: app, public app or service.
fn kind_key(client: &Client) -> &'static str {
    let is_app = client.metadata.allows(GrantType::AuthorizationCode);
    match (is_app, client.metadata.is_public()) {
        (true, false) => "admin_clients.app",
        (_, true) => "admin_clients.public_app",
        (false, false) => "admin_clients.service",
    }
}

fn client_url(id: ClientId) -> String {
    format!("/admin/clients/{id}")
}

#[derive(Template)]
#[template(path = "admin_clients.html")]
struct AdminClientsPage {
    frame: Frame,
    clients: Vec<Client>,
    pages: Pager,
}

pub(super) async fn show_clients(
    administrator: Administrator,
    listing: web::Query<Listing>,
) -> Answer {
    let after = cursor(given(&listing.after), ClientId::parse)?;
    let found = match administrator.clients.list(after, rows_to_fetch(PAGE)).await {
        Err(ClientError::Unknown) => return Err(no_cursor()),
        found => found?,
    };
    let found = Page::from_rows(found, PAGE, |client| client.id.to_string());
    let next = found.next.as_deref();
    page(&AdminClientsPage {
        frame: administrator.frame(),
        pages: Pager::new("/admin/clients", &[], &listing.after, next),
        clients: found.items,
    })
}
