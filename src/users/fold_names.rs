//! Fills in the folded names of users that were created before names were folded.

use super::queries;
use crate::db::{self, Database};

/// Users per transaction.
const BATCH: i64 = 500;

/// Folds the names of every user whose names are not folded yet. Idempotent; several processes may run it at the same time.
pub async fn fold_names(database: &Database) -> db::Result<()> {
    let mut folded = 0_usize;
    loop {
        let unfolded = |conn: &mut db::Connection| queries::list_without_search_names(conn, BATCH);
        let found = database.read(unfolded).await?;
        if found.is_empty() {
            break;
        }
        folded = folded.saturating_add(found.len());
        database
            .write(move |conn| {
                found
                    .iter()
                    .try_for_each(|user| queries::set_search_names(conn, user))
            })
            .await?;
    }
    if folded > 0 {
        tracing::info!(users = folded, "folded names for search and order");
    }
    Ok(())
}
