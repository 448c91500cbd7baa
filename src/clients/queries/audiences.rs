//! SQL of `client_audiences`: which clients are the resource servers of a name.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::base::ids::ClientId;
use crate::clients::Metadata;
use crate::db::portable::lock_for_transaction;
use crate::db::schema::{client_audiences, clients};
use crate::db::{Connection, Json, Result};

/// The lock under which audiences are given: any number, but always this one.
const AUDIENCES: i64 = 0x0D00_0A0D;

/// What other clients are called as services. Two who ask at once ask one after the other, until their transactions end.
pub(in crate::clients) fn list_audiences_of_others(
    conn: &mut Connection,
    id: ClientId,
) -> Result<BTreeSet<String>> {
    lock_for_transaction(conn, AUDIENCES)?;
    let others = client_audiences::table
        .filter(client_audiences::client_id.ne(id))
        .select(client_audiences::audience)
        .load::<String>(conn)?;
    Ok(others.into_iter().collect())
}

/// What is registered of the enabled clients that have one of these audiences.
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

/// The names of the clients with these audiences.
pub fn list_service_names(
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
