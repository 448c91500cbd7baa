//! Copies of lasting records in the ephemeral store: written by one script, believed only above their floor.
//!
//! A record is copied for a minute under its version. What changes it publishes the new copy after its commit; and because
//! the store may be out of reach then, or lose its last writes, every instance looks once a second which records moved.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::floors::Floors;
use crate::base::clock::Timestamp;
use crate::db::{self, Connection, Database};
use crate::ephemeral::{Away, Ephemeral};

/// How long a copy lives in the ephemeral store.
const LIFE: Duration = Duration::from_secs(60);
/// A reader this slow must not store what it read: its copy could outlive every floor.
pub const SLOWEST_FILL: Duration = Duration::from_secs(30);
/// How far back each look for moved records reaches behind the one before it: longer than any transaction may take, for
/// `moved_at` is written at its beginning and seen after its end.
const OVERLAP: Duration = Duration::from_secs(30);
/// How far back the first look reaches, and how long a floor stands: two lives of a copy.
const REACH: Duration = Duration::from_secs(120);

/// The copies of one kind of record, by the key of what they tell of. Cheap to clone.
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

/// Which records of a kind moved since an instant of the database's clock, and to which version.
pub type ListMoved<K> = fn(&mut Connection, Timestamp) -> db::Result<Vec<(K, i64)>>;

impl<K: Copy + Eq + Hash + Send + 'static> Copies<K> {
    /// None believed yet.
    pub fn new(ephemeral: Ephemeral) -> Self {
        Self {
            ephemeral,
            floors: Arc::default(),
            last_look: Arc::default(),
        }
    }

    /// The copy under a key of the store.
    pub async fn get(&self, store_key: &str) -> Result<Option<String>, Away> {
        let copies = self.ephemeral.get(&[store_key]).await?;
        Ok(copies.into_iter().next().flatten())
    }

    /// The record in a copy, `version:record`; `None` when it is below its floor or not readable.
    pub fn believe<T: DeserializeOwned>(&self, key: K, copy: &str) -> Option<T> {
        let (version, record) = copy.split_once(':')?;
        let version: i64 = version.parse().ok()?;
        if !self.floors.admits(key, version) {
            return None;
        }
        serde_json::from_str(record).ok()
    }

    /// Whether a record of this version may be believed.
    pub fn admits(&self, key: K, version: i64) -> bool {
        self.floors.admits(key, version)
    }

    /// From now on nothing older than this is believed here.
    pub fn raise_floor(&self, key: K, version: i64) {
        self.floors.raise(&[(key, version)]);
    }

    /// Stores a copy unless one that is not older is there; whether it did.
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

    /// As [`Copies::store`], for a reader who has the record from the database already: a failed write must not make the read fail.
    pub async fn fill<T: Serialize>(&self, store_key: &str, version: i64, record: &T) {
        match serde_json::to_string(record) {
            Ok(text) => self.ephemeral.fill(store_key, version, &text, LIFE).await,
            Err(error) => tracing::error!(%error, "a stored record is not JSON"),
        }
    }

    /// Looks which records moved, from a little before the last look that succeeded (an instance that had lost its database
    /// misses nothing), raises their floors, and forgets the old ones.
    ///
    /// # Errors
    /// When the database is away; the floors stay as they are.
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
