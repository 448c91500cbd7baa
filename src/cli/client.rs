//! `doorward client …`.

mod flags;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::flags::Flags;
use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::clients::{self, ActingAs, ClientChange, ClientUpdate};

#[derive(Debug, Subcommand)]
pub(super) enum Client {
    /// Make a client; its secret is shown this once. Without --redirect-uri it is a service that asks on its own behalf.
    Create {
        /// What people and administrators call it.
        name: String,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Show one client.
    Show {
        /// The client's id.
        client: ClientId,
    },
    /// Change a client: what is given replaces what was registered under that name.
    Update {
        /// The client's id.
        client: ClientId,
        /// What people and administrators call it.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// List clients.
    List,
    /// Give a client a new secret; the old one is dead at once.
    RotateSecret {
        /// The client's id.
        client: ClientId,
    },
    /// Let a client in again.
    Enable(Act),
    /// Cut a client off.
    Disable(Act),
    /// Take a client away for good.
    Delete(Act),
}

#[derive(Debug, Args)]
pub(super) struct Act {
    /// The client's id.
    client: ClientId,
    /// For the audit log.
    #[arg(long)]
    reason: Option<String>,
}

impl Client {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let acting = ActingAs::command();
        match self {
            Self::Create { name, flags } => {
                let wanted = named(flags.into_change()?, Some(name));
                let (client, secret) = app.clients.register(wanted, acting).await?;
                show(&client, secret.as_ref(), None, output);
            }
            Self::Show { client } => show(&app.clients.read(client).await?, None, None, output),
            Self::Update {
                client,
                name,
                flags,
            } => {
                let change = named(flags.into_change()?, name);
                let updated = app.clients.update(client, change, None, acting).await?;
                show_update(&updated, output);
            }
            Self::List => list(app, output).await?,
            Self::RotateSecret { client } => {
                let updated = app.clients.rotate_secret(client, acting).await?;
                show_update(&updated, output);
            }
            Self::Enable(Act { client, reason }) => {
                let client = app.clients.enable(client, reason, acting).await?;
                output.show(&client, "enabled");
            }
            Self::Disable(Act { client, reason }) => {
                let client = app.clients.disable(client, reason, acting).await?;
                output.show(&client, "disabled");
            }
            Self::Delete(Act { client, reason }) => {
                let client = app.clients.delete(client, reason, acting).await?;
                output.show(&json!({ "deleted": client.id }), "deleted");
            }
        }
        Ok(())
    }
}

fn named(change: ClientChange, name: Option<String>) -> ClientChange {
    ClientChange {
        client_name: name.or(change.client_name),
        ..change
    }
}

fn show_update(updated: &ClientUpdate, output: &Output) {
    let voided = Some(updated.voided_consents);
    show(&updated.client, updated.secret.as_ref(), voided, output);
}

/// A secret that was made, else everything that is registered, and how many consents a change voided; as JSON all of them.
fn show(client: &clients::Client, secret: Option<&Token>, voided: Option<i64>, output: &Output) {
    let mut document = json!(client);
    if let Some(members) = document.as_object_mut() {
        if let Some(secret) = secret {
            members.insert("client_secret".into(), json!(secret.expose()));
        }
        if let Some(voided) = voided {
            members.insert("consents_voided".into(), json!(voided));
        }
    }
    let mut text = match secret {
        Some(secret) => format!(
            "client_id      {}\nclient_secret  {}\n\nThe secret is shown this once.",
            client.id,
            secret.expose()
        ),
        None => settings(&document),
    };
    if let Some(voided) = voided.filter(|voided| *voided > 0) {
        text = format!("{text}\n\n{voided} people who gave consent are asked again.");
    }
    output.show(&document, &text);
}

/// A line for each setting that says something, those by which people know a client first.
fn settings(document: &Value) -> String {
    let first = ["client_id", "client_name", "scope"];
    let members = document.as_object().into_iter().flatten();
    let (leading, others): (Vec<_>, Vec<_>) =
        members.partition(|(name, _)| first.contains(&name.as_str()));
    let lines: Vec<String> = leading
        .into_iter()
        .chain(others)
        .filter_map(|(name, value)| Some(format!("{name:<37}{}", words(value)?)))
        .collect();
    lines.join("\n")
}

/// A value on one line; `None` for nothing.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(words).collect();
            items.join(" ")
        }
        other => other.to_string(),
    };
    Some(text).filter(|text| !text.is_empty())
}

async fn list(app: &App, output: &Output) -> Result<(), Failure> {
    let items = clients::list(&app.database).await?;
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|client| {
            vec![
                client.id.to_string(),
                client.name.clone(),
                if client.enabled {
                    "enabled"
                } else {
                    "disabled"
                }
                .to_owned(),
                client.scopes.to_text(),
            ]
        })
        .collect();
    output.table(
        &json!({ "items": items }),
        &["ID", "NAME", "STATE", "SCOPES"],
        &rows,
    );
    Ok(())
}
