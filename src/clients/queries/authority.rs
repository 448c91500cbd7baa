//! SQL of what a client may do, and of who changes it.

use diesel::prelude::*;

use super::{lock_shared, parse_scopes};
use crate::base::clock::Timestamp;
use crate::base::ids::ClientId;
use crate::clients::{RegisteredClient, Scope, Scopes};
use crate::db::portable::lock_for_transaction;
use crate::db::schema::clients;
use crate::db::{Connection, Json, Result};

/// The lock under which clients change clients: any number, but always this one.
const CHANGES_BY_CLIENTS: i64 = 0x0D00_0C0C;

/// Lets changes of clients by clients happen one after the other, until their transactions end.
pub(in crate::clients) fn lock_changes_by_clients(conn: &mut Connection) -> Result<()> {
    lock_for_transaction(conn, CHANGES_BY_CLIENTS)
}

/// The client that made the latest change of a client; `None` if a user in person or the command did.
pub(in crate::clients) fn find_latest_author(
    conn: &mut Connection,
    id: ClientId,
) -> Result<Option<ClientId>> {
    let found = clients::table
        .find(id)
        .select(clients::by_client)
        .first::<Option<ClientId>>(conn)
        .optional()?;
    Ok(found.flatten())
}

/// The names of all clients except these two and those that `registrar` registered.
pub(in crate::clients) fn list_names_of_others(
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

/// All clients that clients registered, oldest first, each with its registrar; deleted ones count as not enabled. One query without
/// IDs, because databases bound the number of values in one.
pub(in crate::clients) fn list_registered(
    conn: &mut Connection,
) -> Result<Vec<(ClientId, RegisteredClient)>> {
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

/// What a client may do now, and the epoch of its authority: raised when it loses its secret, a scope or its access.
#[derive(Clone, Debug)]
pub struct ClientAuthority {
    /// Its scopes; none of a client that is disabled.
    pub scopes: Scopes,
    /// The epoch.
    pub epoch: i64,
}

/// What a client may do now; `None` for one that is disabled or deleted.
pub fn find_authority(conn: &mut Connection, id: ClientId) -> Result<Option<ClientAuthority>> {
    let found = clients::table
        .find(id)
        .filter(clients::deleted_at.is_null())
        .filter(clients::enabled.eq(true))
        .select((clients::scopes, clients::authority_epoch))
        .first::<(Json<Vec<String>>, i64)>(conn)
        .optional()?;
    Ok(found.map(|(scopes, epoch)| ClientAuthority {
        scopes: parse_scopes(&scopes.0),
        epoch,
    }))
}

/// Holds a client's authority as it is until the transaction ends. Before the standings and the roles.
pub fn lock_authority(conn: &mut Connection, id: ClientId) -> Result<()> {
    lock_shared(conn, id)?;
    Ok(())
}

/// Ends what a client's authority of before still carries: links that it made. The caller also calls [`update`].
pub(in crate::clients) fn raise_authority(conn: &mut Connection, id: ClientId) -> Result<()> {
    diesel::update(clients::table.find(id))
        .set(clients::authority_epoch.eq(clients::authority_epoch + 1))
        .execute(conn)?;
    Ok(())
}
