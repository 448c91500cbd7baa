//! `/admin/clients`: apps and services, registered, changed and cut off by hand.

mod act;
mod explain;
mod fields;
mod form;
mod one;
mod register;
mod secret;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::address;
use super::administrator::Administrator;
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{Client, ClientError, Clients, GrantType};
use crate::web::{Answer, Frame, Moment, Page, Problem, only, page};

/// Clients on one page.
const PAGE: usize = 50;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/admin/clients")
                .route(web::get().to(show_clients))
                .default_service(only("GET")),
        )
        .configure(register::routes)
        .configure(one::routes)
        .configure(act::routes);
}

#[derive(Deserialize)]
struct Listing {
    /// The cursor.
    #[serde(default)]
    after: String,
    notice: Option<String>,
}

/// A client as a line of the page.
struct ClientRow {
    id: PublicClientId,
    name: String,
    /// A text key.
    kind: &'static str,
    is_enabled: bool,
    created: Moment,
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

/// The text key of what a client is.
fn kind_key(client: &Client) -> &'static str {
    let is_app = client.metadata.allows(GrantType::AuthorizationCode);
    match (is_app, client.metadata.is_public()) {
        (true, false) => "console_clients.app",
        (_, true) => "console_clients.public_app",
        (false, false) => "console_clients.service",
    }
}

/// The page of a client.
fn client_url(id: ClientId) -> String {
    format!("/admin/clients/{id}")
}

#[derive(Template)]
#[template(path = "console_clients.html")]
struct ConsoleClientsPage {
    frame: Frame,
    notice: Option<String>,
    clients: Vec<ClientRow>,
    first_url: Option<String>,
    next_url: Option<String>,
}

async fn show_clients(
    administrator: Administrator,
    clients: web::Data<Clients>,
    listing: web::Query<Listing>,
) -> Answer {
    let no_cursor = || Problem::invalid_parameter("after", "not a cursor of this list");
    let after = match listing.after.as_str() {
        "" => None,
        after => Some(ClientId::parse(after).ok_or_else(no_cursor)?),
    };
    let found = match clients.list(after, Page::<Client>::fetch(PAGE)).await {
        Err(ClientError::Unknown) => return Err(no_cursor()),
        found => found?,
    };
    let found = Page::cut(found, PAGE, |client| client.id.to_string());
    let frame = administrator.0.frame;
    page(&ConsoleClientsPage {
        notice: frame.notice("console_clients.notice", listing.notice.as_deref()),
        first_url: after.map(|_| "/admin/clients".to_owned()),
        next_url: found
            .next
            .map(|next| address("/admin/clients", &[("after", &next)])),
        clients: found.items.into_iter().map(ClientRow::from).collect(),
        frame,
    })
}
