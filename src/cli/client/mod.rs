//! `doorward client …`.

mod chosen_secret;
mod flags;
mod show;

use clap::{Args, Subcommand};
use serde_json::json;

use self::chosen_secret::{ChosenSecret, read_secret};
use self::flags::{Additions, Flags};
use self::show::{CreationContext, list_presets, show, show_check, show_created, show_disabled};
use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::base::ids::ClientId;
use crate::clients::{self, ActingAs, Cascade, ClientChange, ClientError, ClientUpdate, Scope};

#[derive(Debug, Subcommand)]
pub(super) enum Client {
    /// Create a client; its secret is shown only once. Without --redirect-uri it is a service (client credentials).
    Create {
        /// Name, shown to users and administrators.
        name: String,
        /// Client ID instead of a random one: 1 to 128 of A-Z a-z 0-9 . _ ~ -; IDs are never reused.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        secret: ChosenSecret,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Show a client.
    Show {
        /// ID of the client.
        #[arg(value_parser = ClientId::from_argument)]
        client: ClientId,
    },
    /// Update a client. Each flag replaces the registered value.
    Update {
        /// ID of the client.
        #[arg(value_parser = ClientId::from_argument)]
        client: ClientId,
        /// Name, shown to users and administrators.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        flags: Box<Flags>,
        #[command(flatten)]
        additions: Box<Additions>,
        /// Allow a nonce instead of PKCE again, after the client has used PKCE (with `--require-pkce auto`).
        #[arg(long)]
        reset_pkce: bool,
    },
    /// Show why recent requests of a client were rejected, and what to change.
    Check {
        /// ID or name of the client.
        client: String,
    },
    /// List clients.
    List,
    /// List the programs supported by `create --for`.
    Presets,
    /// Create a new secret for a client; the old one stops working immediately.
    RotateSecret {
        /// ID of the client.
        #[arg(value_parser = ClientId::from_argument)]
        client: ClientId,
        #[command(flatten)]
        secret: ChosenSecret,
    },
    /// Enable a client.
    Enable(TargetClient),
    /// Disable a client. Clients that it registered keep working.
    Disable {
        #[command(flatten)]
        target: TargetClient,
        /// Also disable the clients that it registered.
        #[arg(long)]
        with_registered: bool,
    },
    /// Delete a client. This can't be undone.
    Delete(TargetClient),
}

#[derive(Debug, Args)]
pub(super) struct TargetClient {
    /// ID of the client.
    #[arg(value_parser = ClientId::from_argument)]
    client: ClientId,
    /// Reason for the audit log.
    #[arg(long)]
    reason: Option<String>,
}

impl Client {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let acting = ActingAs::command();
        match self {
            Self::Create {
                name,
                id,
                secret,
                flags,
            } => {
                let context = CreationContext {
                    issuer: app.config.server.public_url.as_str(),
                    program: flags.program(),
                };
                let mut new_client = named(flags.into_change()?, Some(name));
                new_client.client_id = id.or(new_client.client_id);
                new_client.client_secret = read_secret(secret)?.or(new_client.client_secret);
                let (client, secret) = app.clients.register(new_client, acting).await?;
                show_created(&client, secret.as_ref(), &context, output);
            }
            Self::Show { client } => show(&app.clients.read(client).await?, None, None, output),
            Self::Update {
                client,
                name,
                flags,
                additions,
                reset_pkce,
            } => {
                let mut change = named(flags.into_change()?, name);
                change.pkce_used = reset_pkce.then_some(false).or(change.pkce_used);
                let before = app.clients.read(client).await?;
                let mut expected = None;
                if !additions.is_empty() {
                    expected = Some(before.version);
                    change = additions.add_to(change, &before);
                }
                let updated = app.clients.update(client, change, expected, acting).await?;
                warn_of_lost_openid(&before, &updated.client);
                show_update(updated, output)?;
            }
            Self::Check { client } => check(app, &client, output).await?,
            Self::List => list(app, output).await?,
            Self::Presets => list_presets(output),
            Self::RotateSecret { client, secret } => {
                let secret = read_secret(secret)?;
                let updated = app.clients.rotate_secret(client, secret, acting).await?;
                show_update(updated, output)?;
            }
            Self::Enable(TargetClient { client, reason }) => {
                let client = app.clients.enable(client, reason, acting).await?;
                output.show(&client, "enabled");
            }
            Self::Disable {
                target: TargetClient { client, reason },
                with_registered,
            } => {
                let registered = if with_registered {
                    Cascade::Disable
                } else {
                    Cascade::None
                };
                let disabled = app
                    .clients
                    .disable_cascading(client, registered, reason, acting)
                    .await?;
                show_disabled(&disabled, output);
            }
            Self::Delete(TargetClient { client, reason }) => {
                let client = app.clients.delete(client, reason, acting).await?;
                output.show(&json!({ "deleted": client.public_id }), "deleted");
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

/// Warns if a scope change means that users can no longer sign in to the client with OpenID Connect.
fn warn_of_lost_openid(before: &clients::Client, after: &clients::Client) {
    let had_openid = before.scopes.contains(Scope::OpenId);
    let has_users = !after.metadata.redirect_uris.is_empty();
    if had_openid && has_users && !after.scopes.contains(Scope::OpenId) {
        Output::warn(&format!(
            "warning: --scope replaced all scopes, and openid is no longer among them: programs get no ID token. \
             To add it again: doorward client update {} --add-scope openid",
            after.public_id
        ));
    }
}

/// Prints the client before a pending change is reported: the error alone would lose a new secret.
fn show_update(updated: ClientUpdate, output: &Output) -> Result<(), ClientError> {
    let voided = Some(updated.voided_consents);
    show(&updated.client, updated.secret.as_ref(), voided, output);
    match updated.pending {
        Some(pending) => Err(pending.into()),
        None => Ok(()),
    }
}

/// Finds the client with this ID, or else the only one with this name (ignoring case).
async fn find(app: &App, named: &str) -> Result<clients::Client, Failure> {
    if let Some(id) = ClientId::named(named) {
        match app.clients.read(id).await {
            Err(ClientError::Unknown) => {}
            found => return Ok(found?),
        }
    }
    let mut found = clients::list(&app.database).await?;
    found.retain(|client| client.name.to_lowercase() == named.to_lowercase());
    match found.len() {
        0 => Err(Failure::NotFound(format!(
            "no client has the ID or name {named:?}. List them with `doorward client list`"
        ))),
        1 => Ok(found.remove(0)),
        _ => {
            let all = found
                .iter()
                .map(|client| format!("\n  {}  {}", client.public_id, client.name));
            let all: String = all.collect();
            Err(Failure::Refused(format!(
                "several clients have this name. Use the ID of one of them:{all}"
            )))
        }
    }
}

async fn check(app: &App, named: &str, output: &Output) -> Result<(), Failure> {
    let client = find(app, named).await?;
    let refusals = app.oidc.list_refusals(client.id).await;
    let refusals = refusals.map_err(|away| Failure::Unavailable(away.to_string()))?;
    show_check(&client, &refusals, output);
    Ok(())
}

async fn list(app: &App, output: &Output) -> Result<(), Failure> {
    let items = clients::list(&app.database).await?;
    output.list(&items, ["ID", "NAME", "STATE", "SCOPES"], |client| {
        let state = if client.enabled {
            "enabled"
        } else {
            "disabled"
        };
        [
            client.public_id.to_string(),
            client.name.clone(),
            state.to_owned(),
            client.scopes.to_text(),
        ]
    });
    Ok(())
}
