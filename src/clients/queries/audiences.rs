//! SQL for `client_audiences`: which client is the resource server with a given audience.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::base::ids::ClientId;
use crate::clients::Metadata;
use crate::db::portable::lock_for_transaction;
use crate::db::schema::{client_audiences, clients};
use crate::db::{Connection, Json, Result};

/// Key of the database lock for changes of audiences. The number is arbitrary, but must never change.
const AUDIENCES_LOCK: i64 = 0x0D00_0A0D;

/// Lists the audiences of all other clients, and takes the lock on audiences until the transaction ends.
pub fn list_audiences_of_others(conn: &mut Connection, id: ClientId) -> Result<BTreeSet<String>> {
    lock_for_transaction(conn, AUDIENCES_LOCK)?;
    let others = client_audiences::table
        .filter(client_audiences::client_id.ne(id))
        .select(client_audiences::audience)
        .load::<String>(conn)?;
    Ok(others.into_iter().collect())
}

/// Returns the metadata of the enabled clients that have one of these audiences.
pub fn list_resource_servers(conn: &mut Connection, audiences: &[String]) -> Result<Vec<Metadata>> {
    let found = client_audiences::table
        .inner_join(clients::table)
        .filter(client_audiences::audience.eq_any(audiences.to_vec()))
        .filter(clients::enabled.eq(true))
        .filter(clients::deleted_at.is_null())
        .select((clients::id, clients::metadata))
        .load::<(ClientId, Json<Metadata>)>(conn)?;
    let servers: BTreeMap<ClientId, Metadata> = found
        .into_iter()
        .map(|(id, metadata)| (id, metadata.0))
        .collect();
    Ok(servers.into_values().collect())
}

/// Returns the names of the clients that have these audiences, by audience.
pub fn list_resource_server_names(
    conn: &mut Connection,
    services: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>> {
    let names = client_audiences::table
        .inner_join(clients::table)
        .filter(client_audiences::audience.eq_any(services.iter().cloned().collect::<Vec<_>>()))
        .filter(clients::deleted_at.is_null())
        .select((client_audiences::audience, clients::name))
        .load::<(String, String)>(conn)?;
    Ok(names.into_iter().collect())
}
