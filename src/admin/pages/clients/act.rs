//! `/admin/clients/{client}/{act}`: a new secret, disabling, enabling, deleting; asked about before, put off for a fresh sign-in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::client_url;
use super::explain::explain;
use super::one::find;
use super::secret::show_or_go_on;
use crate::admin::pages::act::ReasonForm;
use crate::admin::pages::administrator::Administrator;
use crate::clients::{Client, ClientError, Clients, Registered, RegisteredClient, TypedSecret};
use crate::web::{
    Answer, ConfirmPage, FieldProblem, Frame, Problem, StepUpPage, only, page, page_with_status,
    redirect,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/clients/{client}/{act}")
            .route(web::get().to(ask))
            .route(web::post().to(act))
            .default_service(only("GET, POST")),
    );
}

#[derive(Clone, Copy, Debug)]
enum Act {
    NewSecret,
    Disable,
    Enable,
    Delete,
}

impl Act {
    /// The act that a path names, if it can be done to this client.
    fn parse(text: &str, client: &Client) -> Result<Self, Problem> {
        match text {
            "new-secret" if client.metadata.is_public() => Err(ClientError::NoSecret.into()),
            "new-secret" => Ok(Self::NewSecret),
            "disable" => Ok(Self::Disable),
            "enable" => Ok(Self::Enable),
            "delete" => Ok(Self::Delete),
            _ => Err(Problem::not_found()),
        }
    }

    /// The middle of its text keys.
    fn key(self) -> &'static str {
        match self {
            Self::NewSecret => "client_secret",
            Self::Disable => "disable_client",
            Self::Enable => "enable_client",
            Self::Delete => "delete_client",
        }
    }
}

/// A sentence of the act, with the client's name; `None` where there is none.
fn text(frame: &Frame, act: Act, part: &str, client: &Client) -> Option<String> {
    let key = format!("confirm.{}.{part}", act.key());
    let values = [("name", client.name.as_str())];
    frame
        .find_text(&key)
        .map(|_| frame.text_with(&key, &values))
}

/// How many names the label of the checkbox lists.
const MAX_NAMES: usize = 10;

/// The checkbox that disables the enabled clients that a client registered, too; `None` if there are none.
fn offer(frame: &Frame, registered: &[RegisteredClient]) -> Option<(&'static str, String)> {
    if registered.is_empty() {
        return None;
    }
    let names = registered.iter().take(MAX_NAMES);
    let names: Vec<&str> = names.map(|one| one.client_name.as_str()).collect();
    let (names, count) = (names.join(", "), registered.len().to_string());
    let label = if registered.len() > MAX_NAMES {
        "confirm.disable_client.many_registered"
    } else {
        "confirm.disable_client.registered"
    };
    let label = frame.text_with(label, &[("names", &names), ("count", &count)]);
    Some(("with_registered", label))
}

/// What a confirmation carries.
#[derive(Deserialize)]
struct ActForm {
    #[serde(flatten)]
    reason: ReasonForm,
    /// A secret of the administrator's own choosing; empty: a random one.
    #[serde(default)]
    client_secret: String,
}

#[derive(Template)]
#[template(path = "console_client_new_secret.html")]
struct ConsoleClientNewSecretPage {
    frame: Frame,
    title: String,
    what: String,
    effect: String,
    undo: String,
    button: String,
    version: i64,
    client_url: String,
    problem: Option<FieldProblem>,
}

impl ConsoleClientNewSecretPage {
    fn new(frame: Frame, client: &Client, problem: Option<FieldProblem>) -> Self {
        let say = |part: &str| text(&frame, Act::NewSecret, part, client).unwrap_or_default();
        Self {
            title: say("title"),
            what: say("what"),
            effect: say("effect_1"),
            undo: say("undo"),
            button: say("button"),
            version: client.version,
            client_url: client_url(client.id),
            problem,
            frame,
        }
    }
}

async fn ask(
    administrator: Administrator,
    clients: web::Data<Clients>,
    path: web::Path<(String, String)>,
) -> Answer {
    let client = find(&clients, &path.0).await?;
    let act = Act::parse(&path.1, &client)?;
    let registered = match act {
        Act::Disable => clients.list_registered(client.id).await?,
        Act::NewSecret | Act::Enable | Act::Delete => Vec::new(),
    };
    let frame = administrator.0.frame;
    if let Act::NewSecret = act {
        return page(&ConsoleClientNewSecretPage::new(frame, &client, None));
    }
    let say = |part: &str| text(&frame, act, part, &client);
    let option = offer(&frame, &registered);
    page(&ConfirmPage {
        title: say("title").unwrap_or_default(),
        what: say("what").unwrap_or_default(),
        effects: ["effect_1", "effect_2"]
            .into_iter()
            .filter_map(say)
            .collect(),
        undo: say("undo"),
        action: frame.path.clone(),
        hidden: Vec::new(),
        version: Some(client.version),
        asks_reason: true,
        option,
        confirm_label: say("button").unwrap_or_default(),
        is_destructive: !matches!(act, Act::Enable),
        cancel_url: client_url(client.id),
        frame,
    })
}

async fn act(
    request: HttpRequest,
    administrator: Administrator,
    clients: web::Data<Clients>,
    path: web::Path<(String, String)>,
    form: web::Form<ActForm>,
) -> Answer {
    let client = find(&clients, &path.0).await?;
    let act = Act::parse(&path.1, &client)?;
    let ActForm {
        reason: form,
        client_secret,
    } = form.into_inner();
    let reason = form.parse()?;
    form.require_version(client.version)?;
    if !administrator.is_fresh() {
        let frame = administrator.0.frame;
        let key = format!("step_up.act.{}", act.key());
        return page(&StepUpPage {
            what: frame.text_with(&key, &[("name", client.name.as_str())]),
            action: frame.path.clone(),
            cancel_url: client_url(client.id),
            frame,
        });
    }
    let acting = administrator.acting(&request);
    let url = client_url(client.id);
    match act {
        Act::NewSecret => {
            let frame = administrator.0.frame;
            let updated = if client_secret.is_empty() {
                clients.rotate_secret(client.id, acting).await
            } else {
                let secret = TypedSecret::from(client_secret);
                clients.set_secret(client.id, secret, acting).await
            };
            match updated {
                Ok(updated) => show_or_go_on(frame, updated, "saved"),
                Err(error) => {
                    let problem = Some(explain(&frame, error)?);
                    let template = ConsoleClientNewSecretPage::new(frame, &client, problem);
                    page_with_status(StatusCode::BAD_REQUEST, &template)
                }
            }
        }
        Act::Disable => {
            let registered = if form.with_registered == "yes" {
                Registered::Disabled
            } else {
                Registered::Kept
            };
            clients
                .disable_with(client.id, registered, reason, acting)
                .await?;
            Ok(redirect(&format!("{url}?notice=disabled")))
        }
        Act::Enable => {
            clients.enable(client.id, reason, acting).await?;
            Ok(redirect(&format!("{url}?notice=enabled")))
        }
        Act::Delete => {
            clients.delete(client.id, reason, acting).await?;
            Ok(redirect("/admin/clients?notice=deleted"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_its_sentences() {
        let frame = Frame {
            place: "Here".into(),
            place_host: "localhost".into(),
            signed_in: None,
            path: "/admin".into(),
            sent: Vec::new(),
            restored: None,
        };
        for act in [Act::NewSecret, Act::Disable, Act::Enable, Act::Delete] {
            let key = act.key();
            let mut wanted = vec![format!("step_up.act.{key}")];
            wanted.extend(["title", "what", "button"].map(|part| format!("confirm.{key}.{part}")));
            for key in wanted {
                assert!(frame.find_text(&key).is_some(), "{key}");
            }
        }
    }
}
