//! `doorward client …`.

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::clients::{self, Metadata, Scope};
use crate::history::Author;

#[derive(Debug, Subcommand)]
pub(super) enum Client {
    /// Make a client; its secret is shown this once.
    Create {
        /// What administrators call it.
        name: String,
        /// What it may ask; may be given again, for example --scope users:read.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
    },
    /// List clients.
    List,
    /// Give a client a new secret; the old one is dead at once.
    RotateSecret {
        /// The client's id.
        client: ClientId,
    },
    /// Cut a client off.
    Disable {
        /// The client's id.
        client: ClientId,
    },
}

impl Client {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let author = Author::command();
        match self {
            Self::Create { name, scopes } => {
                let (client, secret) = app
                    .clients
                    .create(
                        &name,
                        scopes.into_iter().collect(),
                        Metadata::default(),
                        author,
                    )
                    .await?;
                if let Some(secret) = secret {
                    show_secret(&client, &secret, output);
                }
            }
            Self::List => list(app, output).await?,
            Self::RotateSecret { client } => {
                let (client, secret) = app.clients.rotate_secret(client, author).await?;
                show_secret(&client, &secret, output);
            }
            Self::Disable { client } => {
                let client = app.clients.disable(client, author).await?;
                output.show(&client, "disabled");
            }
        }
        Ok(())
    }
}

fn show_secret(client: &clients::Client, secret: &Token, output: &Output) {
    let document = json!({
        "client_id": client.id,
        "client_secret": secret.expose(),
        "client_name": client.name,
        "scope": client.scopes,
    });
    let text = format!(
        "client_id      {}\nclient_secret  {}\n\nThe secret is shown this once.",
        client.id,
        secret.expose()
    );
    output.show(&document, &text);
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
