//! Shows a client's new secret once, in the response to the request that created it.

use askama::Template;

use super::client_url;
use crate::base::public_client_id::PublicClientId;
use crate::clients::{ClientUpdate, Preset};
use crate::web::{Answer, Frame, Web, page_with_secret, redirect};

/// The preset of the program that a client is for, and the settings to enter in the program.
type ProgramSettings = (&'static Preset, String);

#[derive(Template)]
#[template(path = "admin_client_secret.html")]
struct AdminClientSecretPage {
    frame: Frame,
    /// Doorward's public URL, after a registration.
    issuer: Option<String>,
    settings: Option<ProgramSettings>,
    id: PublicClientId,
    name: String,
    secret: Option<String>,
    client_url: String,
    /// Text that says how many users will be asked for their consent again.
    voided: Option<String>,
    /// Whether the secret may not be in force in every instance yet.
    is_pending: bool,
}

/// The page after a registration: the values to enter in the program's settings, with the secret if there is one.
pub(super) fn show_registered(
    frame: Frame,
    registered: ClientUpdate,
    web: &Web,
    settings: Option<ProgramSettings>,
) -> Answer {
    let issuer = Some(web.public_url().as_str().to_owned());
    show(frame, registered, "registered", (issuer, settings))
}

/// Shows the secret if there is one, else redirects to the client's page with a notice.
pub(super) fn show_or_go_on(frame: Frame, updated: ClientUpdate, notice: &str) -> Answer {
    show(frame, updated, notice, (None, None))
}

fn show(
    frame: Frame,
    updated: ClientUpdate,
    notice: &str,
    (issuer, settings): (Option<String>, Option<ProgramSettings>),
) -> Answer {
    let ClientUpdate {
        client,
        secret,
        voided_consents,
        pending,
    } = updated;
    if let Some(error) = &pending {
        tracing::error!(%error, "a client's new secret is committed but not yet in force");
    }
    let client_url = client_url(client.id);
    if secret.is_none() && settings.is_none() {
        let mut url = format!("{client_url}?notice={notice}");
        if voided_consents > 0 {
            url = format!("{url}&voided={voided_consents}");
        }
        return Ok(redirect(&url));
    }
    page_with_secret(&AdminClientSecretPage {
        id: client.public_id,
        name: client.name,
        secret: secret.map(|secret| secret.expose().to_owned()),
        issuer,
        settings,
        client_url,
        voided: voided_text(&frame, Some(voided_consents)),
        is_pending: pending.is_some(),
        frame,
    })
}

/// The text that says how many users will be asked for their consent again; `None` if none will.
pub(super) fn voided_text(frame: &Frame, voided: Option<i64>) -> Option<String> {
    let voided = voided.filter(|voided| *voided > 0)?;
    Some(frame.text_counted("admin_client.consents_voided", voided))
}
