//! SQL of `clients`.

use diesel::prelude::*;

use super::{Client, Scope};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::base::secrets::TokenHash;
use crate::db::portable::ForUpdate;
use crate::db::schema::clients;
use crate::db::{Connection, Json, Result};
use crate::history::Author;

type Row = (
    ClientId,
    String,
    Vec<u8>,
    Json<Vec<Scope>>,
    bool,
    Timestamp,
    i64,
    Timestamp,
    Option<UserId>,
    Option<ClientId>,
);

fn client(
    (id, name, secret, scopes, enabled, created_at, version, as_of, _, _): Row,
) -> (Client, Option<TokenHash>) {
    (
        Client {
            id,
            name,
            scopes: scopes.0,
            enabled,
            created_at,
            version,
            as_of,
        },
        TokenHash::from_bytes(&secret),
    )
}

/// The client and the hash of its secret.
pub(super) fn find(
    conn: &mut Connection,
    id: ClientId,
) -> Result<Option<(Client, Option<TokenHash>)>> {
    Ok(clients::table
        .find(id)
        .first::<Row>(conn)
        .optional()?
        .map(client))
}

/// As [`find`], holding the row until the transaction ends.
pub(super) fn lock(conn: &mut Connection, id: ClientId) -> Result<Option<Client>> {
    let row = ForUpdate(clients::table.find(id))
        .get_result::<Row>(conn)
        .optional()?;
    Ok(row.map(|row| client(row).0))
}

/// Whether a client may ask at all.
///
/// # Errors
/// When the database is away.
pub fn is_enabled(conn: &mut Connection, id: ClientId) -> Result<bool> {
    let enabled = clients::table
        .find(id)
        .select(clients::enabled)
        .first::<bool>(conn)
        .optional()?;
    Ok(enabled.unwrap_or(false))
}

pub(super) fn list(conn: &mut Connection) -> Result<Vec<Client>> {
    let rows = clients::table
        .order(clients::created_at)
        .load::<Row>(conn)?;
    Ok(rows.into_iter().map(|row| client(row).0).collect())
}

/// What these clients are called.
pub(super) fn list_names(
    conn: &mut Connection,
    ids: &[ClientId],
) -> Result<Vec<(ClientId, String)>> {
    Ok(clients::table
        .filter(clients::id.eq_any(ids.to_vec()))
        .select((clients::id, clients::name))
        .load(conn)?)
}

pub(super) fn insert(
    conn: &mut Connection,
    client: &Client,
    secret: &TokenHash,
    author: &Author,
) -> Result<()> {
    diesel::insert_into(clients::table)
        .values((
            clients::id.eq(client.id),
            clients::name.eq(&client.name),
            clients::secret_hash.eq(secret.as_bytes().to_vec()),
            clients::scopes.eq(Json(client.scopes.clone())),
            clients::enabled.eq(client.enabled),
            clients::created_at.eq(client.created_at),
            clients::version.eq(client.version),
            clients::as_of.eq(client.as_of),
            clients::by_user.eq(author.user()),
            clients::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}

pub(super) fn update(
    conn: &mut Connection,
    client: &Client,
    secret: Option<&TokenHash>,
    author: &Author,
) -> Result<()> {
    diesel::update(clients::table.find(client.id))
        .set((
            clients::enabled.eq(client.enabled),
            clients::version.eq(client.version),
            clients::as_of.eq(client.as_of),
            clients::by_user.eq(author.user()),
            clients::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    if let Some(secret) = secret {
        diesel::update(clients::table.find(client.id))
            .set(clients::secret_hash.eq(secret.as_bytes().to_vec()))
            .execute(conn)?;
    }
    Ok(())
}
