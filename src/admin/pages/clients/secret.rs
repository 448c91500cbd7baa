//! A client's secret, shown this once: in the answer to what made it.

use askama::Template;

use super::client_url;
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::clients::Client;
use crate::web::{Answer, Frame, page, redirect};

#[derive(Template)]
#[template(path = "console_client_secret.html")]
struct ConsoleClientSecretPage {
    frame: Frame,
    id: ClientId,
    name: String,
    secret: String,
    client_url: String,
}

/// The secret if there is one, else the client's page with a notice.
pub(super) fn show_or_go_on(
    frame: Frame,
    client: Client,
    secret: Option<&Token>,
    notice: &str,
) -> Answer {
    let client_url = client_url(client.id);
    let Some(secret) = secret else {
        return Ok(redirect(&format!("{client_url}?notice={notice}")));
    };
    page(&ConsoleClientSecretPage {
        frame,
        id: client.id,
        name: client.name,
        secret: secret.expose().to_owned(),
        client_url,
    })
}
