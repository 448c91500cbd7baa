//! The signing keys as requests read them: from the cached record in the ephemeral store, else from the database.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::genuine::Genuine;
use super::key::{KeyView, view};
use super::make::PrivateKey;
use super::queries;
use super::ring::{Record, Ring};
use super::schedule::{Occasion, Schedule};
use crate::base::clock::{Clock, Stopwatch};
use crate::base::config;
use crate::base::ids::SigningKeyId;
use crate::base::seal::{OpenError, Sealer};
use crate::clients::Algorithm;
use crate::db::{self, Database};
use crate::ephemeral::Ephemeral;
use crate::history::Author;
use crate::standing::{ChangePending, Copies, SLOWEST_FILL, Unavailable};

/// All signing keys. Cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) sealer: Sealer,
    pub(super) schedule: Schedule,
    copies: Copies<()>,
    store_key: Arc<str>,
    /// The key set of the latest version that this process read: a cached record of the same version need not be parsed again.
    latest: Arc<RwLock<Option<Arc<Ring>>>>,
    /// Tokens whose signature this process has verified.
    genuine: Genuine,
    /// Private keys that this process has decrypted. They never change; whether one may be used depends on the record.
    pub(super) opened: Arc<RwLock<HashMap<SigningKeyId, Arc<PrivateKey>>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring(redacted)")
    }
}

/// Why signing keys could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No signing key has this ID.
    #[error("no signing key has this ID")]
    Unknown,
    /// The private half of a key can't be decrypted.
    #[error(
        "the signing key {0} can't be decrypted: {1}. To give it up, run `doorward keys rotate --compromised {0}`"
    )]
    Sealed(SigningKeyId, OpenError),
    /// The cryptographic library could not create a key pair.
    #[error("can't create a signing key")]
    Unmade,
    /// The change is committed, but not yet in force everywhere.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Returns Doorward itself as the author of a change.
pub(super) fn doorward() -> Author {
    Author::doorward()
}

impl Keyring {
    /// Loads the keys, and creates the first one of the default algorithm if there is none. The first keys of other algorithms
    /// are created when something is to be signed with them, because some verifiers reject a whole JWK Set that contains a key
    /// they can't read. If several instances start at the same time, exactly one creates the key.
    pub async fn begin(
        database: Database,
        ephemeral: Ephemeral,
        clock: Clock,
        sealer: Sealer,
        config: &config::Tokens,
    ) -> Result<Self, KeyError> {
        let mut keyring = Self {
            database,
            clock,
            sealer,
            schedule: Schedule::new(config),
            copies: Copies::new(ephemeral),
            store_key: Arc::from(""),
            latest: Arc::default(),
            genuine: Genuine::default(),
            opened: Arc::default(),
        };
        let followed = keyring
            .follow(Algorithm::default(), Occasion::Start, doorward())
            .await?;
        let made = followed.is_some_and(|followed| followed.made);
        let keys = keyring.database.read(queries::list).await?;
        // Installations may share an ephemeral store, so the cache key contains the ID of a key that is never deleted.
        let first = keys
            .iter()
            .find(|key| key.algorithm == Algorithm::default() && key.generation == 1);
        let first = first.ok_or(KeyError::Unmade)?.id;
        keyring.store_key = Arc::from(format!("keyring:{{{first}}}"));
        if made {
            keyring.publish().await?;
        }
        Ok(keyring)
    }

    /// Returns the key of the cached record in the ephemeral store.
    pub fn key(&self) -> &str {
        &self.store_key
    }

    /// Returns the ID of this installation in a shared ephemeral store: that of a signing key that is never deleted.
    pub fn installation(&self) -> &str {
        self.store_key
            .trim_start_matches("keyring:")
            .trim_matches(['{', '}'])
    }

    /// Returns the current key set.
    pub async fn ring(&self) -> Result<Arc<Ring>, Unavailable> {
        let copy = self.copies.get(self.key()).await?;
        self.ring_of_copy(copy.as_deref()).await
    }

    /// Returns the current key set, given the cached record (under [`Keyring::key`]) that the caller read with other entries.
    pub async fn ring_of_copy(&self, copy: Option<&str>) -> Result<Arc<Ring>, Unavailable> {
        if let Some(ring) = copy.and_then(|copy| self.believe(copy)) {
            return Ok(ring);
        }
        let watch = Stopwatch::start();
        let record = self.database.read(queries::find_record).await?;
        // `fill` keeps a newer cached record, and the minimum version is not lowered if this record is older.
        if watch.elapsed() < SLOWEST_FILL {
            self.copies.fill(self.key(), record.version, &record).await;
        }
        Ok(self.adopt(record))
    }

    /// Polls for changed keys: before an instance serves requests, then once a second.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .copies
            .look(&self.database, queries::list_moved_since)
            .await?)
    }

    /// Returns every key, ordered by algorithm, oldest first.
    pub async fn list(&self) -> Result<Vec<KeyView>, KeyError> {
        let keys = self.database.read(queries::list).await?;
        Ok(view(&keys, &keys, self.clock.now()))
    }

    /// Puts a committed change in force in every instance.
    pub(super) async fn publish(&self) -> Result<(), ChangePending> {
        let record = self.database.read(queries::find_record).await;
        let record = record.map_err(|error: db::Error| ChangePending(error.into()))?;
        self.copies.raise_floor((), record.version);
        let stored = self.copies.store(self.key(), record.version, &record).await;
        stored.map_err(|error| ChangePending(error.into()))?;
        self.adopt(record);
        Ok(())
    }

    /// Returns the key set of a cached record, unless its version is below the minimum or it can't be parsed.
    fn believe(&self, copy: &str) -> Option<Arc<Ring>> {
        let version: i64 = copy.split_once(':')?.0.parse().ok()?;
        if !self.copies.admits((), version) {
            return None;
        }
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = latest.as_ref().filter(|ring| ring.version == version) {
            return Some(ring.clone());
        }
        drop(latest);
        let record: Record = self.copies.believe((), copy)?;
        (record.version == version).then(|| self.adopt(record))
    }

    /// Builds the key set of a record, and stores it as the latest if its version is higher.
    fn adopt(&self, record: Record) -> Arc<Ring> {
        let ring = Arc::new(Ring::new(record, self.genuine.clone()));
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if latest
            .as_ref()
            .is_none_or(|latest| latest.version < ring.version)
        {
            *latest = Some(ring.clone());
        }
        ring
    }
}
