//! Making clients, giving them a new secret, cutting them off.

use std::collections::HashMap;

use serde_json::json;

use super::{Client, Clients, Metadata, Scopes, queries};
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::db::{self, Connection, Database};
use crate::history::{self, Author, Event, Revision, next_as_of};
use crate::standing::ChangePending;

/// Why a client could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none of this id.
    #[error("there is no client of this id")]
    Unknown,
    /// The name is empty or too long.
    #[error("a client's name has 1 to 100 characters")]
    Name,
    /// Committed, not yet in force.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Clients {
    /// Makes a client; its secret is shown this once. A public client has none.
    ///
    /// # Errors
    /// For an unusable name, or when the database is away.
    pub async fn create(
        &self,
        name: &str,
        scopes: Scopes,
        metadata: Metadata,
        author: Author,
    ) -> Result<(Client, Option<Token>), ClientError> {
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(ClientError::Name);
        }
        let secret = (!metadata.is_public()).then(Token::generate);
        let hash = secret.as_ref().map(Token::hash);
        let clock = self.database.clone();
        let client = self
            .database
            .write(move |conn| {
                let now = clock.now(conn)?;
                let client = Client {
                    id: ClientId::random(),
                    name,
                    scopes,
                    metadata,
                    enabled: true,
                    created_at: now,
                    version: 1,
                    as_of: now,
                };
                queries::insert(conn, &client, hash.as_ref(), &author)?;
                keep(conn, &client, &author, "client.created")?;
                Ok::<_, ClientError>(client)
            })
            .await?;
        Ok((client, secret))
    }

    /// Gives a client a new secret; the old one is dead when this returns.
    ///
    /// # Errors
    /// `Unknown`, or when the change is not in force.
    pub async fn rotate_secret(
        &self,
        id: ClientId,
        author: Author,
    ) -> Result<(Client, Token), ClientError> {
        let secret = Token::generate();
        let hash = secret.hash();
        let clock = self.database.clone();
        let client = self
            .database
            .write(move |conn| {
                let now = clock.now(conn)?;
                let mut client = queries::lock(conn, id)?.ok_or(ClientError::Unknown)?.client;
                client.version = client.version.saturating_add(1);
                client.as_of = next_as_of(now, client.as_of);
                queries::update_secret(conn, id, Some(&hash))?;
                queries::update(conn, &client, now, &author)?;
                keep(conn, &client, &author, "client.secret_rotated")?;
                Ok::<_, ClientError>(client)
            })
            .await?;
        self.publish(id).await?;
        Ok((client, secret))
    }

    /// Cuts a client off, with every token that it holds; safe to repeat.
    ///
    /// # Errors
    /// `Unknown`, or when the change is not in force.
    pub async fn disable(&self, id: ClientId, author: Author) -> Result<Client, ClientError> {
        let clock = self.database.clone();
        let client = self
            .database
            .write(move |conn| {
                let now = clock.now(conn)?;
                let mut client = queries::lock(conn, id)?.ok_or(ClientError::Unknown)?.client;
                if client.enabled {
                    client.enabled = false;
                    client.version = client.version.saturating_add(1);
                    client.as_of = next_as_of(now, client.as_of);
                    queries::update(conn, &client, now, &author)?;
                    keep(conn, &client, &author, "client.disabled")?;
                }
                Ok::<_, ClientError>(client)
            })
            .await?;
        self.publish(id).await?;
        Ok(client)
    }
}

/// All clients, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn list(database: &Database) -> Result<Vec<Client>, ClientError> {
    database
        .read(|conn| Ok::<_, ClientError>(queries::list(conn)?))
        .await
}

/// What these clients are called.
///
/// # Errors
/// When the database is away.
pub async fn names(
    database: &Database,
    ids: Vec<ClientId>,
) -> db::Result<HashMap<ClientId, String>> {
    let names = database
        .read(move |conn| queries::list_names(conn, &ids))
        .await?;
    Ok(names.into_iter().collect())
}

fn keep(
    conn: &mut Connection,
    client: &Client,
    author: &Author,
    action: &'static str,
) -> db::Result<()> {
    let revision = Revision {
        entity: "client",
        entity_id: client.id.uuid(),
        version: client.version,
        as_of: client.as_of,
        data: json!(client),
    };
    history::revise(conn, author, revision)?;
    let event = Event::done(action)
        .client(client.id)
        .details(json!({ "name": client.name }));
    history::record(conn, client.as_of, author, event)
}
