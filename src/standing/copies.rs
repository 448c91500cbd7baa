//! Caches records in the ephemeral store under their version. A cached record is only used if it is at least as new as the minimum
//! version that this instance knows.
//!
//! A record is cached for a minute. A change stores the new record after its commit; because the store may be unavailable at that
//! moment, or lose its last writes, every instance also polls the database once a second for changed records.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::floors::Floors;
use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};
use crate::ephemeral::{Away, Ephemeral};

/// How long a cached record lives in the ephemeral store.
const LIFE: Duration = Duration::from_secs(60);
/// A reader that took this long must not cache what it read: the cached record could outlive the minimum version that excludes it.
pub const SLOWEST_FILL: Duration = Duration::from_secs(30);
/// How far each poll for changed records overlaps with the one before it: longer than any transaction may take, because
/// `moved_at` is set at its beginning and visible after its commit.
const OVERLAP: Duration = Duration::from_secs(30);
/// How far back the first poll reaches, and how long a minimum version is stored: twice the lifetime of a cached record.
const REACH: Duration = Duration::from_secs(120);

/// The cache of one kind of record, by the ID of what the records describe. Cheap to clone.
#[derive(Debug)]
pub struct Copies<K> {
    ephemeral: Ephemeral,
    floors: Arc<Floors<K>>,
    last_look: Arc<Mutex<Option<Timestamp>>>,
}

impl<K> Clone for Copies<K> {
    fn clone(&self) -> Self {
        Self {
            ephemeral: self.ephemeral.clone(),
            floors: self.floors.clone(),
            last_look: self.last_look.clone(),
        }
    }
}

/// Lists the records that changed since a time of the database's clock, and their versions.
pub type ListMoved<K> = fn(&mut Connection, Timestamp) -> db::Result<Vec<(K, i64)>>;

impl<K: Copy + Eq + Hash + Send + 'static> Copies<K> {
    /// Creates a cache without minimum versions.
    pub fn new(ephemeral: Ephemeral) -> Self {
        Self {
            ephemeral,
            floors: Arc::default(),
            last_look: Arc::default(),
        }
    }

    /// Reads the cached record under a key of the ephemeral store.
    pub async fn get(&self, store_key: &str) -> Result<Option<String>, Away> {
        let copies = self.ephemeral.get(&[store_key]).await?;
        Ok(copies.into_iter().next().flatten())
    }

    /// Parses a cached record (`version:record`); returns `None` if it is below the minimum version or can't be parsed.
    pub fn believe<T: DeserializeOwned>(&self, key: K, copy: &str) -> Option<T> {
        let (version, record) = copy.split_once(':')?;
        let version: i64 = version.parse().ok()?;
        if !self.floors.admits(key, version) {
            return None;
        }
        serde_json::from_str(record).ok()
    }

    /// Returns whether a record of this version is at least as new as the minimum.
    pub fn admits(&self, key: K, version: i64) -> bool {
        self.floors.admits(key, version)
    }

    /// Sets the minimum version: from now on, this instance rejects older cached records.
    pub fn raise_floor(&self, key: K, version: i64) {
        self.floors.raise(&[(key, version)]);
    }

    /// Caches a record unless one of the same or a newer version is cached. Returns whether it did.
    pub async fn store<T: Serialize>(
        &self,
        store_key: &str,
        version: i64,
        record: &T,
    ) -> Result<bool, Away> {
        let text = serde_json::to_string(record)
            .map_err(|error| Away(format!("stored record is not JSON: {error}")))?;
        self.ephemeral
            .store_newer(store_key, version, &text, LIFE)
            .await
    }

    /// Caches a record that the caller has read from the database. A failed write is ignored, because it must not fail the read.
    pub async fn fill<T: Serialize>(&self, store_key: &str, version: i64, record: &T) {
        match serde_json::to_string(record) {
            Ok(text) => self.ephemeral.fill(store_key, version, &text, LIFE).await,
            Err(error) => tracing::error!(%error, "a stored record is not JSON"),
        }
    }

    /// Polls for changed records, starting a little before the last successful poll (so that an instance that had lost its
    /// database misses nothing), raises their minimum versions, and deletes old ones.
    ///
    /// # Errors
    /// If the database is unavailable; the minimum versions stay unchanged.
    pub async fn look(&self, database: &Database, list: ListMoved<K>) -> db::Result<()> {
        let of_database = database.clone();
        let previous = *self
            .last_look
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (now, moved) = database
            .read(move |conn| {
                let now = of_database.now(conn)?;
                let from =
                    previous.map_or_else(|| now.before(REACH), |looked| looked.before(OVERLAP));
                let moved = list(conn, from)?;
                Ok::<_, db::Error>((now, moved))
            })
            .await?;
        self.floors.raise(&moved);
        self.floors.forget_older_than(REACH);
        *self
            .last_look
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }
}
