//! SQL for what clients may do, and for who registered and last changed them.

use diesel::prelude::*;

use super::{lock_shared, parse_scopes};
use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;
use crate::clients::{RegisteredClient, Scope, Scopes};
use crate::db::portable::lock_for_transaction;
use crate::db::schema::clients;
use crate::db::{Connection, Json, Result};

/// Key of the database lock for changes of clients by clients. The number is arbitrary, but must never change.
const CHANGES_BY_CLIENTS_LOCK: i64 = 0x0D00_0C0C;

/// Serialises changes of clients by clients until the end of the transaction.
pub fn lock_changes_by_clients(conn: &mut Connection) -> Result<()> {
    lock_for_transaction(conn, CHANGES_BY_CLIENTS_LOCK)
}

/// Returns the client that made the latest change of this client; `None` if a user or the command line made it.
pub fn find_latest_author(conn: &mut Connection, id: ClientId) -> Result<Option<ClientId>> {
    let found = clients::table
        .find(id)
        .select(clients::by_client)
        .first::<Option<ClientId>>(conn)
        .optional()?;
    Ok(found.flatten())
}

/// Lists the names of all clients except these two and those that `registrar` registered.
pub fn list_names_of_others(
    conn: &mut Connection,
    registrar: ClientId,
    except: Option<ClientId>,
) -> Result<Vec<String>> {
    let is_others = clients::registered_by_client
        .is_null()
        .or(clients::registered_by_client.ne(registrar));
    let mut query = clients::table
        .filter(clients::deleted_at.is_null())
        .filter(clients::id.ne(registrar))
        .filter(is_others)
        .select(clients::name)
        .into_boxed();
    if let Some(except) = except {
        query = query.filter(clients::id.ne(except));
    }
    Ok(query.load(conn)?)
}

/// Lists all clients that were registered by clients, oldest first, each with its registrar. Deleted ones are reported as disabled.
/// The query takes no IDs, because databases limit the number of parameters.
pub fn list_registered(conn: &mut Connection) -> Result<Vec<(ClientId, RegisteredClient)>> {
    type Row = (
        Option<ClientId>,
        ClientId,
        String,
        bool,
        Option<Timestamp>,
        Json<Vec<String>>,
    );
    let rows = clients::table
        .filter(clients::registered_by_client.is_not_null())
        .order((clients::created_at, clients::id))
        .select((
            clients::registered_by_client,
            clients::id,
            clients::name,
            clients::enabled,
            clients::deleted_at,
            clients::scopes,
        ))
        .load::<Row>(conn)?;
    let read = |(registrar, client_id, client_name, enabled, deleted, scopes): Row| {
        let client = RegisteredClient {
            client_id,
            client_name,
            enabled: enabled && deleted.is_none(),
            may_register: parse_scopes(&scopes.0).contains(Scope::ClientsWrite),
        };
        Some((registrar?, client))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// A client's current scopes, and the epoch of its permissions.
#[derive(Clone, Debug)]
pub struct ClientPermissions {
    /// The client's scopes.
    pub scopes: Scopes,
    /// Incremented when the client's secret or authentication method changes, it loses a scope, or it is disabled or deleted.
    pub epoch: i64,
}

/// Returns what a client may currently do; `None` if it is disabled or deleted.
pub fn find_permissions(conn: &mut Connection, id: ClientId) -> Result<Option<ClientPermissions>> {
    let found = clients::table
        .find(id)
        .filter(clients::deleted_at.is_null())
        .filter(clients::enabled.eq(true))
        .select((clients::scopes, clients::permissions_epoch))
        .first::<(Json<Vec<String>>, i64)>(conn)
        .optional()?;
    Ok(found.map(|(scopes, epoch)| ClientPermissions {
        scopes: parse_scopes(&scopes.0),
        epoch,
    }))
}

/// Locks a client's permissions against changes until the transaction ends. Lock order: before account states and roles.
pub fn lock_permissions(conn: &mut Connection, id: ClientId) -> Result<()> {
    lock_shared(conn, id)?;
    Ok(())
}

/// Invalidates the links that the client created with its earlier permissions. The caller also calls [`update`].
pub fn bump_permissions_epoch(conn: &mut Connection, id: ClientId) -> Result<()> {
    diesel::update(clients::table.find(id))
        .set(clients::permissions_epoch.eq(clients::permissions_epoch + 1))
        .execute(conn)?;
    Ok(())
}
