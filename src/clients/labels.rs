//! Names of clients for pages and lists.

use std::collections::HashMap;

use super::queries;
use crate::base::ids::ClientId;
use crate::db::{self, Database};

/// Returns the name and `client_id` of each client as one text, for lists of events.
pub async fn labels(
    database: &Database,
    ids: Vec<ClientId>,
) -> db::Result<HashMap<ClientId, String>> {
    database
        .read(move |conn| queries::list_labels(conn, &ids))
        .await
}
