//! `doorward client …`.

mod flags;
mod show;

use clap::{Args, Subcommand};
use serde_json::json;

use self::flags::{Additions, Flags};
use self::show::{Made, list_presets, show, show_check, show_disabled, show_made};
use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::base::ids::ClientId;
use crate::clients::{self, ActingAs, ClientChange, ClientError, ClientUpdate, Registered};

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
        #[command(flatten)]
        additions: Box<Additions>,
    },
    /// Show why recent requests of a client were refused, and what to change.
    Check {
        /// The client's id.
        client: ClientId,
    },
    /// List clients.
    List,
    /// List the programs that `create --for` knows.
    Presets,
    /// Give a client a new secret; the old one is dead at once.
    RotateSecret {
        /// The client's id.
        client: ClientId,
    },
    /// Let a client in again.
    Enable(Act),
    /// Cut a client off. The clients that it registered stay as they are.
    Disable {
        #[command(flatten)]
        act: Act,
        /// Disable the clients that it registered, too.
        #[arg(long)]
        with_registered: bool,
    },
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
                let made = Made {
                    issuer: app.config.server.public_url.as_str(),
                    program: flags.program(),
                };
                let wanted = named(flags.into_change()?, Some(name));
                let (client, secret) = app.clients.register(wanted, acting).await?;
                show_made(&client, secret.as_ref(), &made, output);
            }
            Self::Show { client } => show(&app.clients.read(client).await?, None, None, output),
            Self::Update {
                client,
                name,
                flags,
                additions,
            } => {
                let mut change = named(flags.into_change()?, name);
                let mut expected = None;
                if !additions.is_empty() {
                    let before = app.clients.read(client).await?;
                    expected = Some(before.version);
                    change = additions.add_to(change, &before);
                }
                let updated = app.clients.update(client, change, expected, acting).await?;
                show_update(updated, output)?;
            }
            Self::Check { client } => check(app, client, output).await?,
            Self::List => list(app, output).await?,
            Self::Presets => list_presets(output),
            Self::RotateSecret { client } => {
                let updated = app.clients.rotate_secret(client, acting).await?;
                show_update(updated, output)?;
            }
            Self::Enable(Act { client, reason }) => {
                let client = app.clients.enable(client, reason, acting).await?;
                output.show(&client, "enabled");
            }
            Self::Disable {
                act: Act { client, reason },
                with_registered,
            } => {
                let registered = if with_registered {
                    Registered::Disabled
                } else {
                    Registered::Kept
                };
                let disabled = app
                    .clients
                    .disable_with(client, registered, reason, acting)
                    .await?;
                show_disabled(&disabled, output);
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

/// Prints the client first: an error alone would lose a new secret.
fn show_update(updated: ClientUpdate, output: &Output) -> Result<(), ClientError> {
    let voided = Some(updated.voided_consents);
    show(&updated.client, updated.secret.as_ref(), voided, output);
    match updated.pending {
        Some(pending) => Err(pending.into()),
        None => Ok(()),
    }
}

async fn check(app: &App, id: ClientId, output: &Output) -> Result<(), Failure> {
    let client = app.clients.read(id).await?;
    let refusals = app.oidc.list_refusals(id).await;
    let refusals = refusals.map_err(|away| Failure::Unavailable(away.to_string()))?;
    show_check(&client, &refusals, output);
    Ok(())
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
