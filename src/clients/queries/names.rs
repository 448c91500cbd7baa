//! SQL for the names of clients, as lists of events show them.

use std::collections::HashMap;

use diesel::prelude::*;

use super::StoredMetadata;
use crate::base::ids::ClientId;
use crate::db::schema::clients;
use crate::db::{Connection, Json, Result};

/// Returns the names of these clients, including deleted ones.
pub fn list_names(conn: &mut Connection, ids: &[ClientId]) -> Result<HashMap<ClientId, String>> {
    let names = clients::table
        .filter(clients::id.eq_any(ids.to_vec()))
        .select((clients::id, clients::name))
        .load::<(ClientId, String)>(conn)?;
    Ok(names.into_iter().collect())
}

/// Returns the name and `client_id` of each client as one text, including deleted clients.
pub fn list_labels(conn: &mut Connection, ids: &[ClientId]) -> Result<HashMap<ClientId, String>> {
    let rows = clients::table
        .filter(clients::id.eq_any(ids.to_vec()))
        .select((clients::id, clients::name, clients::metadata))
        .load::<(ClientId, String, Json<StoredMetadata>)>(conn)?;
    let label = |(id, name, metadata): (ClientId, String, Json<StoredMetadata>)| {
        let public_id = metadata.0.client_id.unwrap_or_else(|| id.into());
        (id, format!("{name} ({public_id})"))
    };
    Ok(rows.into_iter().map(label).collect())
}
