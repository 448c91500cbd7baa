//! The signing keys as requests read them: from the cached record in the ephemeral store, else from the database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::key::{KeyView, view};
use super::key_set::{KeySet, Record};
use super::private_key::PrivateKey;
use super::queries;
use super::schedule::{Schedule, Trigger};
use super::verified_signatures::VerifiedSignatureCache;
use crate::account_state::{ChangePending, MAX_FILL_TIME, Unavailable, VersionedCache};
use crate::base::clock::{Clock, Stopwatch};
use crate::base::config;
use crate::base::ids::SigningKeyId;
use crate::base::seal::{OpenError, Sealer};
use crate::clients::Algorithm;
use crate::db::{self, Database};
use crate::ephemeral::Ephemeral;
use crate::history::Author;

/// All signing keys. Cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) sealer: Sealer,
    pub(super) schedule: Schedule,
    cache: VersionedCache<()>,
    store_key: Arc<str>,
    /// The key set of the latest version that this process read: a cached record of the same version need not be parsed again.
    latest: Arc<RwLock<Option<Arc<KeySet>>>>,
    /// Tokens whose signature this process has verified.
    verified_signatures: VerifiedSignatureCache,
    /// Private keys that this process has decrypted. They never change; whether one may be used depends on the record.
    pub(super) opened: Arc<RwLock<HashMap<SigningKeyId, Arc<PrivateKey>>>>,
}

crate::base::secrets::redacted!(Keyring);

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
            cache: VersionedCache::new(ephemeral),
            store_key: Arc::from(""),
            latest: Arc::default(),
            verified_signatures: VerifiedSignatureCache::default(),
            opened: Arc::default(),
        };
        let rotated = keyring
            .rotate_algorithm(Algorithm::default(), Trigger::Start, Author::doorward())
            .await?;
        let created = rotated.is_some_and(|rotated| rotated.created);
        let keys = keyring.database.read(queries::list).await?;
        // Installations may share an ephemeral store, so the cache key contains the ID of a key that is never deleted.
        let first = keys
            .iter()
            .find(|key| key.algorithm == Algorithm::default() && key.generation == 1);
        let first = first.ok_or(KeyError::Unmade)?.id;
        keyring.store_key = Arc::from(format!("keyring:{{{first}}}"));
        if created {
            keyring.refresh_cached_keyring().await?;
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
    pub async fn key_set(&self) -> Result<Arc<KeySet>, Unavailable> {
        let copy = self.cache.get(self.key()).await?;
        self.key_set_with_cached(copy.as_deref()).await
    }

    /// Returns the current key set, given the cached record (under [`Keyring::key`]) that the caller read with other entries.
    pub async fn key_set_with_cached(
        &self,
        copy: Option<&str>,
    ) -> Result<Arc<KeySet>, Unavailable> {
        if let Some(key_set) = copy.and_then(|copy| self.parse_if_fresh(copy)) {
            return Ok(key_set);
        }
        let watch = Stopwatch::start();
        let record = self.database.read(queries::find_record).await?;
        // `fill` keeps a newer cached record, and the minimum version is not lowered if this record is older.
        if watch.elapsed() < MAX_FILL_TIME {
            self.cache.fill(self.key(), record.version, &record).await;
        }
        Ok(self.keep_latest(record))
    }

    /// Polls for changed keys: before an instance serves requests, then once a second.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .cache
            .poll_changes(&self.database, queries::list_changes_since)
            .await?)
    }

    /// Returns every key, ordered by algorithm, oldest first.
    pub async fn list(&self) -> Result<Vec<KeyView>, KeyError> {
        let keys = self.database.read(queries::list).await?;
        Ok(view(&keys, &keys, self.clock.now()))
    }

    /// Puts a committed change in force in every instance.
    pub(super) async fn refresh_cached_keyring(&self) -> Result<(), ChangePending> {
        let record = self.database.read(queries::find_record).await;
        let record = record.map_err(|error: db::Error| ChangePending(error.into()))?;
        self.cache.raise_min_version((), record.version);
        let stored = self.cache.store(self.key(), record.version, &record).await;
        stored.map_err(|error| ChangePending(error.into()))?;
        self.keep_latest(record);
        Ok(())
    }

    /// Returns the key set of a cached record, unless its version is below the minimum or it can't be parsed.
    fn parse_if_fresh(&self, copy: &str) -> Option<Arc<KeySet>> {
        let version: i64 = copy.split_once(':')?.0.parse().ok()?;
        if !self.cache.is_fresh((), version) {
            return None;
        }
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key_set) = latest.as_ref().filter(|key_set| key_set.version == version) {
            return Some(key_set.clone());
        }
        drop(latest);
        let record: Record = self.cache.parse_if_fresh((), copy)?;
        (record.version == version).then(|| self.keep_latest(record))
    }

    /// Builds the key set of a record, and stores it as the latest if its version is higher.
    fn keep_latest(&self, record: Record) -> Arc<KeySet> {
        let key_set = Arc::new(KeySet::new(record, self.verified_signatures.clone()));
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if latest
            .as_ref()
            .is_none_or(|latest| latest.version < key_set.version)
        {
            *latest = Some(key_set.clone());
        }
        key_set
    }
}
