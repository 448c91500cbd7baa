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
use super::{Listing, given, pager};
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{Client, ClientError, GrantType};
use crate::web::{Answer, DisplayTime, Frame, Page, cursor, no_cursor, page};

/// Clients per page.
const PAGE: usize = 50;

/// A client as a row of the list.
struct ClientRow {
    id: PublicClientId,
    name: String,
    /// Text key of the kind: app, public app or service.
    kind: &'static str,
    is_enabled: bool,
    created: DisplayTime,
}

impl From<Client> for ClientRow {
    fn from(client: Client) -> Self {
        Self {
            kind: kind_key(&client),
            id: client.public_id,
            is_enabled: client.enabled,
            created: client.created_at.into(),
            name: client.name,
        }
    }
}

/// Text key of a client's kind.
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
    notice: Option<String>,
    clients: Vec<ClientRow>,
    first_url: Option<String>,
    next_url: Option<String>,
}

pub(super) async fn show_clients(
    administrator: Administrator,
    listing: web::Query<Listing>,
) -> Answer {
    let after = cursor(given(&listing.after), ClientId::parse)?;
    let fetch = Page::<Client>::fetch(PAGE);
    let found = match administrator.clients.list(after, fetch).await {
        Err(ClientError::Unknown) => return Err(no_cursor()),
        found => found?,
    };
    let found = Page::cut(found, PAGE, |client| client.id.to_string());
    let frame = administrator.frame();
    let (first_url, next_url) = pager("/admin/clients", &[], &listing.after, found.next.as_deref());
    page(&AdminClientsPage {
        notice: frame.notice("admin_clients.notice", listing.notice.as_deref()),
        first_url,
        next_url,
        clients: found.items.into_iter().map(ClientRow::from).collect(),
        frame,
    })
}
