//! Caches records in the ephemeral store under their version. A cached record is only used if it is at least as new as the minimum
//! version that this instance knows.
//!
//! A record is cached for a minute. A change stores the new record after its commit; because the store may be unavailable at that
//! moment, or lose its last writes in a failover, every instance also polls the database once a second for changed records, and
//! ignores older cached ones. A minimum version can only exclude cached records.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::{Stopwatch, Timestamp};
use crate::db::{self, Connection, Database};
use crate::ephemeral::{Ephemeral, StoreUnavailable};

/// How long a cached record lives in the ephemeral store.
const TTL: Duration = Duration::from_secs(60);
/// A reader that took this long must not cache what it read: the cached record could outlive the minimum version that excludes it.
pub const MAX_FILL_TIME: Duration = Duration::from_secs(30);
/// How far each poll for changed records overlaps with the one before it: longer than any transaction may take, because
/// `changed_at` is set at its beginning and visible after its commit.
const POLL_OVERLAP: Duration = Duration::from_secs(30);
/// How far back the first poll reaches, and how long a minimum version is stored: twice the lifetime of a cached record.
const MIN_VERSION_TTL: Duration = Duration::from_secs(120);

/// The cache of one kind of record, by the ID of what the records describe. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VersionedCache<K> {
    ephemeral: Ephemeral,
    min_versions: Arc<MinVersions<K>>,
    last_poll: Arc<Mutex<Option<Timestamp>>>,
}

/// Lists the records that changed since a time of the database's clock, and their versions.
pub type ListChanges<K> = fn(&mut Connection, Timestamp) -> db::Result<Vec<(K, i64)>>;

impl<K: Copy + Eq + Hash + Send + 'static> VersionedCache<K> {
    /// Creates a cache without minimum versions.
    pub fn new(ephemeral: Ephemeral) -> Self {
        Self {
            ephemeral,
            min_versions: Arc::new(MinVersions(RwLock::default())),
            last_poll: Arc::default(),
        }
    }

    /// Reads the cached record under a key of the ephemeral store.
    pub async fn get(&self, store_key: &str) -> Result<Option<String>, StoreUnavailable> {
        self.ephemeral.get_one(store_key).await
    }

    /// Parses a cached record (`version:record`); returns `None` if it is below the minimum version or can't be parsed.
    pub fn parse_if_fresh<T: DeserializeOwned>(&self, key: K, copy: &str) -> Option<T> {
        let (version, record) = copy.split_once(':')?;
        let version: i64 = version.parse().ok()?;
        if !self.min_versions.is_fresh(key, version) {
            return None;
        }
        serde_json::from_str(record).ok()
    }

    /// Returns whether a record of this version is at least as new as the minimum.
    pub fn is_fresh(&self, key: K, version: i64) -> bool {
        self.min_versions.is_fresh(key, version)
    }

    /// Sets the minimum version: from now on, this instance rejects older cached records.
    pub fn raise_min_version(&self, key: K, version: i64) {
        self.min_versions.raise(&[(key, version)]);
    }

    /// Caches a record unless one of the same or a newer version is cached. Returns whether it did.
    pub async fn store<T: Serialize>(
        &self,
        store_key: &str,
        version: i64,
        record: &T,
    ) -> Result<bool, StoreUnavailable> {
        let text = serde_json::to_string(record)
            .map_err(|error| StoreUnavailable(format!("stored record is not JSON: {error}")))?;
        self.ephemeral
            .store_newer(store_key, version, &text, TTL)
            .await
    }

    /// Caches a record that the caller has read from the database. A failed write is ignored, because it must not fail the read.
    pub async fn fill<T: Serialize>(&self, store_key: &str, version: i64, record: &T) {
        match serde_json::to_string(record) {
            Ok(text) => self.ephemeral.fill(store_key, version, &text, TTL).await,
            Err(error) => tracing::error!(%error, "a stored record is not JSON"),
        }
    }

    /// Polls for changed records, starting a little before the last successful poll (so that an instance that had lost its
    /// database misses nothing), raises their minimum versions, and deletes old ones.
    ///
    /// # Errors
    /// If the database is unavailable; the minimum versions stay unchanged.
    pub async fn poll_changes(&self, database: &Database, list: ListChanges<K>) -> db::Result<()> {
        let of_database = database.clone();
        let previous = *self
            .last_poll
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (now, changed) = database
            .read(move |conn| {
                let now = of_database.now(conn)?;
                let from = previous.map_or_else(
                    || now.before(MIN_VERSION_TTL),
                    |previous| previous.before(POLL_OVERLAP),
                );
                Ok::<_, db::Error>((now, list(conn, from)?))
            })
            .await?;
        self.min_versions.raise(&changed);
        self.min_versions.forget_older_than(MIN_VERSION_TTL);
        *self
            .last_poll
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }
}

/// The minimum version of each record that this instance accepts from the ephemeral store, and when it was first seen.
#[derive(Debug)]
struct MinVersions<K>(RwLock<HashMap<K, (i64, Stopwatch)>>);

impl<K: Copy + Eq + Hash> MinVersions<K> {
    /// Raises minimum versions; never lowers one.
    fn raise(&self, changed: &[(K, i64)]) {
        if changed.is_empty() {
            return;
        }
        let mut min_versions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, version) in changed {
            let minimum = min_versions.get(key).map(|(minimum, _)| minimum);
            // Reading the same version again because polls overlap doesn't extend how long it is stored.
            if minimum.is_none_or(|minimum| minimum < version) {
                min_versions.insert(*key, (*version, Stopwatch::start()));
            }
        }
    }

    /// Returns whether a cached record of this version is accepted.
    fn is_fresh(&self, key: K, version: i64) -> bool {
        let min_versions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        min_versions
            .get(&key)
            .is_none_or(|(minimum, _)| version >= *minimum)
    }

    /// Deletes minimum versions older than `age`: by then no older cached record is left in the store.
    fn forget_older_than(&self, age: Duration) {
        let mut min_versions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        min_versions.retain(|_, (_, seen)| seen.elapsed() < age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::UserId;

    #[test]
    fn a_minimum_version_refuses_older_copies_and_never_decreases() {
        let min_versions = MinVersions(RwLock::default());
        let user = UserId::random();
        assert!(min_versions.is_fresh(user, 1));
        min_versions.raise(&[(user, 5)]);
        min_versions.raise(&[(user, 3)]);
        assert!(!min_versions.is_fresh(user, 4));
        assert!(min_versions.is_fresh(user, 5));
        assert!(min_versions.is_fresh(UserId::random(), 1));
        min_versions.forget_older_than(Duration::ZERO);
        assert!(min_versions.is_fresh(user, 1));
    }
}
