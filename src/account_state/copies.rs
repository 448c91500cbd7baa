//! Copies of other records of a user, cached under the version of the user's account state.
//!
//! Every change of such a record increments that version, so a copy is valid only while its version equals the current one. No
//! change has to find and delete copies. A copy is read in the same round trip as the account state.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::{AccountStates, Unavailable};
use super::record::AccountState;
use super::versioned_cache::MAX_FILL_TIME;
use crate::base::clock::Stopwatch;
use crate::db::{self, Connection};

impl AccountStates {
    /// Returns a record of the user. `copy` is the text under `key` in the ephemeral store, which the caller read with the account
    /// state. If it is missing or of another version, `find` reads the record, which is then cached. `find` returns a version that
    /// is not newer than the record: it reads the version first, or both in one statement.
    pub async fn find_by_copy<T, F>(
        &self,
        account_state: &AccountState,
        (key, copy): (&str, Option<&str>),
        find: F,
    ) -> Result<Option<T>, Unavailable>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnOnce(&mut Connection) -> db::Result<Option<(i64, T)>> + Send + 'static,
    {
        if let Some(record) = copy.and_then(|copy| parse_if_current(account_state, copy)) {
            return Ok(Some(record));
        }
        let watch = Stopwatch::start();
        let Some((version, record)) = self.database.read(find).await? else {
            return Ok(None);
        };
        if watch.elapsed() < MAX_FILL_TIME {
            self.cache.fill(key, version, &record).await;
        }
        Ok(Some(record))
    }
}

/// Parses a copy (`version:record`) if its version is that of the account state.
fn parse_if_current<T: DeserializeOwned>(account_state: &AccountState, copy: &str) -> Option<T> {
    let (version, record) = copy.split_once(':')?;
    if version.parse() != Ok(account_state.version) {
        return None;
    }
    serde_json::from_str(record).ok()
}
