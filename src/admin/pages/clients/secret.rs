//! A client's secret, shown this once: in the answer to what made it.

use askama::Template;

use super::client_url;
use crate::base::ids::ClientId;
use crate::clients::ClientUpdate;
use crate::web::{Answer, Frame, one_time_page, redirect};

#[derive(Template)]
#[template(path = "console_client_secret.html")]
struct ConsoleClientSecretPage {
    frame: Frame,
    id: ClientId,
    name: String,
    secret: String,
    client_url: String,
    /// How many users are asked for their consent again.
    voided: Option<String>,
}

/// The secret if there is one, else the client's page with a notice.
pub(super) fn show_or_go_on(frame: Frame, updated: ClientUpdate, notice: &str) -> Answer {
    let ClientUpdate {
        client,
        secret,
        voided_consents,
    } = updated;
    let client_url = client_url(client.id);
    let Some(secret) = secret else {
        let mut url = format!("{client_url}?notice={notice}");
        if voided_consents > 0 {
            url = format!("{url}&voided={voided_consents}");
        }
        return Ok(redirect(&url));
    };
    one_time_page(&ConsoleClientSecretPage {
        id: client.id,
        name: client.name,
        secret: secret.expose().to_owned(),
        client_url,
        voided: voided_text(&frame, usize::try_from(voided_consents).ok()),
        frame,
    })
}

/// Says how many users are asked for their consent again; `None` where there are none.
pub(super) fn voided_text(frame: &Frame, voided: Option<usize>) -> Option<String> {
    let voided = voided.filter(|voided| *voided > 0)?;
    Some(frame.text_counted("console_client.consents_voided", voided))
}
