//! `/admin/clients/{client}/{act}`: creates a new secret, disables, enables or deletes a client.

use actix_web::http::StatusCode;

use super::client_url;
use super::explain::{explain, secret_again};
use super::one::find;
use super::secret::show_or_go_on;
use crate::admin::pages::confirm::{Confirmed, ConfirmedAction, Sent, Target};
use crate::admin::pages::given;
use crate::admin::pages::visitor::{Administration, Administrator};
use crate::clients::{Cascade, Client, ClientError, RegisteredClient, TypedSecret};
use crate::web::{
    Answer, ConfirmPage, FieldProblem, Frame, Problem, SECRET_LEFT_OUT, page_with_status, redirect,
};

#[derive(Clone, Copy, Debug)]
enum Kind {
    NewSecret,
    Disable,
    Enable,
    Delete,
}

/// An action on a client.
pub(in crate::admin::pages) struct ClientAct {
    client: Client,
    kind: Kind,
}

/// Maximum number of names in the label of the checkbox.
const MAX_NAMES: usize = 10;

/// The checkbox for also disabling the enabled clients that the client registered; `None` if there are none.
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

impl ClientAct {
    /// The confirmation page, without the parts that depend on other clients.
    fn plain_question(&self, frame: Frame) -> ConfirmPage {
        let target = self.target();
        let effects = ["effect_1", "effect_2"].map(|part| format!("confirm.{}.{part}", target.key));
        let effects = effects.iter().filter(|key| frame.find_text(key).is_some());
        let effects = effects.map(|key| target.text(&frame, key)).collect();
        let is_secret = matches!(self.kind, Kind::NewSecret);
        ConfirmPage {
            effects,
            asks_secret: is_secret,
            asks_reason: !is_secret,
            is_destructive: !matches!(self.kind, Kind::Enable),
            ..self.question(frame)
        }
    }
}

impl ClientAct {
    /// Shows the confirmation page again, with the reason why the typed secret was refused.
    fn ask_again(&self, frame: Frame, problem: FieldProblem) -> Answer {
        let question = ConfirmPage {
            problem: Some(problem),
            ..self.plain_question(frame)
        };
        page_with_status(StatusCode::BAD_REQUEST, &question)
    }
}

impl ConfirmedAction for ClientAct {
    type Needs = Administration;

    async fn find(visitor: &Administrator, sent: &Sent) -> Result<Self, Problem> {
        let client = find(visitor, &sent.path.client).await?;
        let kind = match sent.path.act.as_str() {
            "new-secret" if client.metadata.is_public() => {
                return Err(ClientError::NoSecret.into());
            }
            "new-secret" => Kind::NewSecret,
            "disable" => Kind::Disable,
            "enable" => Kind::Enable,
            "delete" => Kind::Delete,
            _ => return Err(Problem::not_found()),
        };
        Ok(Self { client, kind })
    }

    fn target(&self) -> Target {
        Target {
            key: match self.kind {
                Kind::NewSecret => "client_secret",
                Kind::Disable => "disable_client",
                Kind::Enable => "enable_client",
                Kind::Delete => "delete_client",
            },
            values: vec![("name", self.client.name.clone())],
            version: Some(self.client.version),
            url: client_url(self.client.id),
        }
    }

    async fn ask(&self, visitor: &Administrator) -> Result<ConfirmPage, Problem> {
        let mut question = self.plain_question(visitor.frame());
        if matches!(self.kind, Kind::Disable) {
            let registered = visitor.clients.list_registered(self.client.id).await?;
            question.option = offer(&question.frame, &registered);
        }
        Ok(question)
    }

    async fn accepts_older(&self, visitor: &Administrator) -> Result<bool, Problem> {
        visitor.clients.publish(self.client.id).await?;
        // Disabling a client again finishes what an earlier request could not.
        Ok(matches!(self.kind, Kind::Disable) && !self.client.enabled)
    }

    async fn run(self, visitor: &Administrator, confirmed: Confirmed) -> Answer {
        let (id, clients) = (self.client.id, &visitor.clients);
        let Confirmed {
            reason,
            permit,
            sent,
        } = confirmed;
        let url = client_url(id);
        match self.kind {
            Kind::NewSecret => {
                let chosen = given(sent.get("client_secret"));
                if chosen.is_none() && sent.get(SECRET_LEFT_OUT) == "yes" {
                    let frame = visitor.frame();
                    let problem = secret_again(&frame);
                    return self.ask_again(frame, problem);
                }
                let chosen = chosen.map(|secret| TypedSecret::from(secret.to_owned()));
                match clients.rotate_secret(id, chosen, permit.acting).await {
                    Ok(updated) => show_or_go_on(visitor.frame(), updated, "saved"),
                    Err(error) => {
                        let frame = visitor.frame();
                        let problem = explain(&frame, error)?;
                        self.ask_again(frame, problem)
                    }
                }
            }
            Kind::Disable => {
                let registered = if sent.get("with_registered") == "yes" {
                    Cascade::Disable
                } else {
                    Cascade::None
                };
                clients
                    .disable_cascading(id, registered, reason, permit.acting)
                    .await?;
                Ok(redirect(&format!("{url}?notice=disabled")))
            }
            Kind::Enable => {
                clients.enable(id, reason, permit.acting).await?;
                Ok(redirect(&format!("{url}?notice=enabled")))
            }
            Kind::Delete => {
                clients.delete(id, reason, permit.acting).await?;
                Ok(redirect("/admin/clients?notice=deleted"))
            }
        }
    }
}
