//! SQL for `clients`, `client_origins` and `client_audiences`; the submodules include the queries for `consents`.

mod audiences;
pub mod consents;
mod names;
mod permissions;

use std::collections::BTreeSet;
use std::sync::Arc;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

pub(super) use audiences::list_audiences_of_others;
pub use audiences::{list_resource_server_names, list_resource_servers};
pub use names::{list_labels, list_names};
pub use permissions::{ClientPermissions, find_permissions, lock_permissions};
pub(super) use permissions::{
    bump_permissions_epoch, find_latest_author, list_names_of_others, list_registered,
    lock_changes_by_clients,
};

use super::record::{ClientRecord, RevokedToken};
use super::secret::StoredSecret;
use super::{Client, Metadata, Scopes};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::db::portable::{ForNoKeyUpdate, ForShare, insert_rows};
use crate::db::schema::{client_audiences, client_origins, clients};
use crate::db::{Connection, Json, Result};
use crate::history::Author;

type Row = (
    ClientId,
    String,
    Option<Vec<u8>>,
    Json<Vec<String>>,
    Json<StoredMetadata>,
    bool,
    Option<Timestamp>,
    i64,
    i64,
    Json<Vec<RevokedToken>>,
    i64,
    Timestamp,
    Timestamp,
    i64,
    Timestamp,
    Option<UserId>,
    Option<ClientId>,
    Option<ClientId>,
    i64,
    i64,
);

/// The JSON in the column `metadata`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredMetadata {
    #[serde(flatten)]
    metadata: Metadata,
    /// The `client_id`, if it differs from the row's ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<PublicClientId>,
}

impl StoredMetadata {
    fn of(client: &Client) -> Json<Self> {
        Json(Self {
            metadata: client.metadata.clone(),
            client_id: Some(client.public_id.clone()).filter(PublicClientId::is_text),
        })
    }
}

fn record(row: Row) -> ClientRecord {
    let (id, name, secret, scopes, metadata, enabled, deleted, token_epoch, ..) = row;
    ClientRecord {
        client: Arc::new(Client {
            public_id: metadata.0.client_id.unwrap_or_else(|| id.into()),
            id,
            name,
            scopes: parse_scopes(&scopes.0),
            metadata: metadata.0.metadata,
            enabled: enabled && deleted.is_none(),
            registered_by_client: row.17,
            consent_epoch: row.18,
            created_at: row.12,
            version: row.13,
            as_of: row.14,
        }),
        secret_hash: secret.map(|secret| StoredSecret(secret).to_text()),
        token_epoch,
        user_authorizations_epoch: row.8,
        revoked_tokens: row.9.0,
        state_version: row.10,
    }
}

fn client(row: Row) -> Client {
    Arc::unwrap_or_clone(record(row).client)
}

/// Reads the record of a client from the database, including disabled clients but not deleted ones.
pub fn find(conn: &mut Connection, id: ClientId) -> Result<Option<ClientRecord>> {
    Ok(clients::table
        .find(id)
        .filter(clients::deleted_at.is_null())
        .first::<Row>(conn)
        .optional()?
        .map(record))
}

/// Like [`find`], but includes deleted clients, which are reported as disabled.
pub fn find_including_deleted(conn: &mut Connection, id: ClientId) -> Result<Option<ClientRecord>> {
    let row = clients::table.find(id).first::<Row>(conn).optional()?;
    Ok(row.map(record))
}

/// Like [`find`], and locks the row until the transaction ends. Rows that refer to it may still be inserted.
pub fn lock(conn: &mut Connection, id: ClientId) -> Result<Option<ClientRecord>> {
    let query = clients::table
        .find(id)
        .filter(clients::deleted_at.is_null());
    let row = ForNoKeyUpdate(query).get_result::<Row>(conn).optional()?;
    Ok(row.map(record))
}

/// Like [`lock`], for several clients in one statement, ordered by ID to avoid deadlocks. Unknown clients are left out.
pub fn lock_all(conn: &mut Connection, ids: &[ClientId]) -> Result<Vec<ClientRecord>> {
    let query = clients::table
        .filter(clients::id.eq_any(ids.to_vec()))
        .filter(clients::deleted_at.is_null())
        .order(clients::id);
    let rows = ForNoKeyUpdate(query).load::<Row>(conn)?;
    Ok(rows.into_iter().map(record).collect())
}

/// Like [`lock`], but with a shared lock, for transactions that only need the row to stay unchanged.
pub fn lock_shared(conn: &mut Connection, id: ClientId) -> Result<Option<ClientRecord>> {
    let query = clients::table
        .find(id)
        .filter(clients::deleted_at.is_null());
    let row = ForShare(query).get_result::<Row>(conn).optional()?;
    Ok(row.map(record))
}

/// Locks the row of a client that the caller changes, until the transaction ends. Lock order: before account states and roles.
pub fn lock_for_change(conn: &mut Connection, id: ClientId) -> Result<()> {
    lock(conn, id)?;
    Ok(())
}

fn parse_scopes(names: &[String]) -> Scopes {
    Scopes::parse(&names.join(" ")).unwrap_or_default()
}

/// Whether a client is enabled and has a back-channel logout URI.
pub fn wants_logout(conn: &mut Connection, id: ClientId) -> Result<bool> {
    let found = find(conn, id)?;
    Ok(found.is_some_and(|record| {
        record.client.enabled && record.client.metadata.backchannel_logout_uri.is_some()
    }))
}

pub fn list(conn: &mut Connection) -> Result<Vec<Client>> {
    let rows = clients::table
        .filter(clients::deleted_at.is_null())
        .order((clients::created_at, clients::id))
        .load::<Row>(conn)?;
    Ok(rows.into_iter().map(client).collect())
}

/// Lists a page of clients, oldest first, after the one that the cursor names; `None` if the cursor's client never existed.
pub fn list_page(
    conn: &mut Connection,
    after: Option<ClientId>,
    limit: i64,
) -> Result<Option<Vec<Client>>> {
    let mut query = clients::table
        .filter(clients::deleted_at.is_null())
        .order((clients::created_at, clients::id))
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        // A cursor stays valid when its client is deleted, because the row and its position remain.
        let place = clients::table.find(after).select(clients::created_at);
        let Some(created_at) = place.first::<Timestamp>(conn).optional()? else {
            return Ok(None);
        };
        let is_later = clients::created_at.gt(created_at);
        let is_next = clients::created_at
            .eq(created_at)
            .and(clients::id.gt(after));
        query = query.filter(is_later.or(is_next));
    }
    let rows = query.load::<Row>(conn)?;
    Ok(Some(rows.into_iter().map(client).collect()))
}

/// Lists the clients whose records changed since this instant of the database's clock, with their state versions.
pub fn list_changes_since(conn: &mut Connection, from: Timestamp) -> Result<Vec<(ClientId, i64)>> {
    Ok(clients::table
        .filter(clients::changed_at.ge(from))
        .select((clients::id, clients::state_version))
        .load(conn)?)
}

pub fn is_known_origin(conn: &mut Connection, origin: &str) -> Result<bool> {
    let query = client_origins::table
        .inner_join(clients::table)
        .filter(client_origins::origin.eq(origin))
        .filter(clients::enabled.eq(true))
        .filter(clients::deleted_at.is_null())
        .select(client_origins::client_id)
        .limit(1);
    Ok(query.first::<ClientId>(conn).optional()?.is_some())
}

fn scope_names(scopes: &Scopes) -> Json<Vec<String>> {
    Json(scopes.names().map(str::to_owned).collect())
}

pub fn insert(
    conn: &mut Connection,
    client: &Client,
    secret: Option<&StoredSecret>,
    author: &Author,
) -> Result<()> {
    diesel::insert_into(clients::table)
        .values((
            clients::id.eq(client.id),
            clients::name.eq(&client.name),
            clients::secret_hash.eq(secret.map(|secret| &secret.0)),
            clients::scopes.eq(scope_names(&client.scopes)),
            clients::metadata.eq(StoredMetadata::of(client)),
            clients::enabled.eq(client.enabled),
            clients::deleted_at.eq(None::<Timestamp>),
            clients::token_epoch.eq(0),
            clients::user_authorizations_epoch.eq(0),
            clients::revoked_tokens.eq(Json(Vec::<RevokedToken>::new())),
            clients::state_version.eq(1),
            clients::changed_at.eq(client.as_of),
            clients::created_at.eq(client.created_at),
            clients::version.eq(client.version),
            clients::as_of.eq(client.as_of),
            clients::by_user.eq(author.user()),
            clients::by_client.eq(author.client()),
            clients::registered_by_client.eq(client.registered_by_client),
            clients::consent_epoch.eq(client.consent_epoch),
            clients::permissions_epoch.eq(0),
        ))
        .execute(conn)?;
    insert_lookup_rows(conn, client)
}

/// Saves the editable fields of a client except origins and audiences (see [`replace_names`]), and increments its state version.
pub fn update(
    conn: &mut Connection,
    client: &Client,
    now: Timestamp,
    author: &Author,
) -> Result<()> {
    diesel::update(clients::table.find(client.id))
        .set((
            clients::name.eq(&client.name),
            clients::scopes.eq(scope_names(&client.scopes)),
            clients::metadata.eq(StoredMetadata::of(client)),
            clients::enabled.eq(client.enabled),
            clients::state_version.eq(clients::state_version + 1),
            clients::changed_at.eq(now),
            clients::version.eq(client.version),
            clients::as_of.eq(client.as_of),
            clients::by_user.eq(author.user()),
            clients::by_client.eq(author.client()),
            clients::consent_epoch.eq(client.consent_epoch),
        ))
        .execute(conn)?;
    Ok(())
}

/// Replaces the stored origins and audiences of a client.
pub fn replace_names(conn: &mut Connection, client: &Client) -> Result<()> {
    delete_lookup_rows(conn, client.id)?;
    insert_lookup_rows(conn, client)
}

/// Sets a client's deletion time and removes its secret. The row remains, so that its ID is never reused. The
/// caller also calls [`update`].
pub fn mark_deleted(conn: &mut Connection, id: ClientId, now: Timestamp) -> Result<()> {
    diesel::update(clients::table.find(id))
        .set((
            clients::deleted_at.eq(now),
            clients::secret_hash.eq(None::<Vec<u8>>),
        ))
        .execute(conn)?;
    delete_lookup_rows(conn, id)
}

/// Replaces or removes a client's secret. The caller also calls [`update`], which increments the state version.
pub fn update_secret(
    conn: &mut Connection,
    id: ClientId,
    secret: Option<&StoredSecret>,
) -> Result<()> {
    diesel::update(clients::table.find(id))
        .set(clients::secret_hash.eq(secret.map(|secret| &secret.0)))
        .execute(conn)?;
    Ok(())
}

/// Lists the clients whose secret an administrator chose.
pub fn list_with_chosen_secret(conn: &mut Connection) -> Result<Vec<ClientId>> {
    let rows = clients::table
        .filter(clients::secret_hash.is_not_null())
        .select((clients::id, clients::secret_hash.assume_not_null()))
        .load::<(ClientId, Vec<u8>)>(conn)?;
    let chosen = |(id, secret)| StoredSecret(secret).is_sealed().then_some(id);
    Ok(rows.into_iter().filter_map(chosen).collect())
}

/// Invalidates the tokens that a client got on its own behalf. The caller also calls [`update`], which increments the version.
pub fn bump_token_epoch(conn: &mut Connection, id: ClientId) -> Result<()> {
    diesel::update(clients::table.find(id))
        .set((
            clients::token_epoch.eq(clients::token_epoch + 1),
            clients::revoked_tokens.eq(Json(Vec::<RevokedToken>::new())),
        ))
        .execute(conn)?;
    Ok(())
}

/// Saves a record's epochs and revoked tokens, and increments its state version.
pub fn update_revoked_tokens(
    conn: &mut Connection,
    record: &ClientRecord,
    now: Timestamp,
) -> Result<()> {
    diesel::update(clients::table.find(record.client.id))
        .set((
            clients::token_epoch.eq(record.token_epoch),
            clients::user_authorizations_epoch.eq(record.user_authorizations_epoch),
            clients::revoked_tokens.eq(Json(record.revoked_tokens.clone())),
            clients::state_version.eq(clients::state_version + 1),
            clients::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

fn delete_lookup_rows(conn: &mut Connection, id: ClientId) -> Result<()> {
    diesel::delete(client_origins::table.filter(client_origins::client_id.eq(id))).execute(conn)?;
    diesel::delete(client_audiences::table.filter(client_audiences::client_id.eq(id)))
        .execute(conn)?;
    Ok(())
}

/// Inserts the origins and audiences of a client, by which it is looked up.
fn insert_lookup_rows(conn: &mut Connection, client: &Client) -> Result<()> {
    let audiences: BTreeSet<&String> = client.metadata.audiences.iter().collect();
    let audiences: Vec<_> = audiences
        .into_iter()
        .map(|audience| {
            (
                client_audiences::audience.eq(audience),
                client_audiences::client_id.eq(client.id),
            )
        })
        .collect();
    if !audiences.is_empty() {
        insert_rows!(conn, client_audiences::table, &audiences)?;
    }
    let origins = client.metadata.origins();
    let origins: Vec<_> = origins
        .iter()
        .map(|origin| {
            (
                client_origins::origin.eq(origin),
                client_origins::client_id.eq(client.id),
            )
        })
        .collect();
    if !origins.is_empty() {
        insert_rows!(conn, client_origins::table, &origins)?;
    }
    Ok(())
}
