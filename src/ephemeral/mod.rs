//! The ephemeral store for data that expires: ceremonies, active sessions, account state records, counters. Backed by Redis or a
//! second SQLite file.
//!
//! Every call is atomic and immediately visible to all processes, and it either returns within the configured timeout or fails
//! ([`StoreUnavailable`]). Reads that a thread issues in one scheduler turn are batched. The store treats keys and values as opaque text, and
//! code outside this module doesn't depend on which store is used. Data of one user is stored under `…:{user id}…`, braces
//! included, so that it is in one slot of a Redis Cluster.

mod batch;
mod connections;
mod embedded;
mod redis;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::{Clock, Stopwatch};
use crate::base::fault_injection::{FaultInjector, InjectedFault};
use crate::base::secrets::Token;
use batch::ReadBatcher;

/// The store did not respond, or not in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the ephemeral store is unavailable: {0}")]
pub struct StoreUnavailable(pub String);

/// Serializes a value to be stored as JSON.
pub fn to_json(value: &impl Serialize) -> Result<String, StoreUnavailable> {
    serde_json::to_string(value).map_err(unavailable)
}

fn unavailable(error: impl fmt::Display) -> StoreUnavailable {
    StoreUnavailable(error.to_string())
}

/// Why a store can't be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreCheckError {
    /// The store is unavailable.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
    /// The store responds, but its settings could lose data.
    #[error("{0}")]
    Misconfigured(String),
}

/// The ephemeral store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ephemeral {
    store: Store,
    batcher: ReadBatcher,
    fault_injector: FaultInjector,
    /// Key written by readiness checks; unique to this instance.
    probe: Arc<str>,
    warning_throttle: Arc<WarningThrottle>,
}

/// How long the key of readiness checks is stored.
const PROBE_TTL: Duration = Duration::from_secs(60);

/// Limits how often a fault that affects every request is logged.
#[derive(Debug, Default)]
struct WarningThrottle(Mutex<Option<Stopwatch>>);

impl WarningThrottle {
    const INTERVAL: Duration = Duration::from_secs(10);

    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= Self::INTERVAL);
        if is_due {
            *last = Some(Stopwatch::start());
        }
        is_due
    }
}

#[derive(Clone, Debug)]
enum Store {
    Redis(Arc<redis::Redis>),
    Embedded(embedded::Embedded),
}

impl Store {
    async fn get(&self, keys: &[&str]) -> batch::Values {
        match self {
            Self::Redis(store) => store.get(keys).await,
            Self::Embedded(store) => store.get(keys).await,
        }
    }
}

macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {{
        let fault = $self.inject_fault()?;
        let done = match &$self.store {
            Store::Redis($store) => $call.await,
            Store::Embedded($store) => $call.await,
        };
        unless_result_lost(fault, done)
    }};
}

/// Returns the result of an operation, unless an injected fault loses it.
fn unless_result_lost<T>(
    fault: Option<InjectedFault>,
    done: Result<T, StoreUnavailable>,
) -> Result<T, StoreUnavailable> {
    match fault {
        Some(_) => Err(StoreUnavailable("cut off: the response was lost".into())),
        None => done,
    }
}

impl Ephemeral {
    /// Connects to Redis.
    ///
    /// # Errors
    /// When Redis doesn't respond, or its settings could lose data.
    pub async fn redis(url: &SecretString, timeout: Duration) -> Result<Self, StoreCheckError> {
        let redis = redis::Redis::connect(url, timeout).await?;
        Ok(Self::over(Store::Redis(Arc::new(redis))))
    }

    /// Opens or creates the SQLite file at `path`.
    pub async fn embedded(
        path: &Path,
        timeout: Duration,
        clock: Clock,
    ) -> Result<Self, StoreUnavailable> {
        let path = path.to_owned();
        let store = embedded::Embedded::open(path, timeout, clock).await?;
        Ok(Self::over(Store::Embedded(store)))
    }

    fn over(store: Store) -> Self {
        Self {
            store,
            batcher: ReadBatcher::new(),
            fault_injector: FaultInjector::default(),
            probe: format!("ready:{}", Token::generate().hash().to_text()).into(),
            warning_throttle: Arc::default(),
        }
    }

    /// Returns the same store with fault injection by `fault_injector`.
    #[must_use]
    pub fn with_fault_injector(self, fault_injector: FaultInjector) -> Self {
        Self {
            fault_injector,
            ..self
        }
    }

    /// Returns whether an injected fault loses the result of this operation; fails if the fault prevents the operation.
    fn inject_fault(&self) -> Result<Option<InjectedFault>, StoreUnavailable> {
        match self.fault_injector.next() {
            Some(InjectedFault::NotRun) => Err(StoreUnavailable("cut off".into())),
            fault => Ok(fault),
        }
    }

    /// Stores `value` for `ttl`, replacing any previous value.
    pub async fn put(&self, key: &str, value: &str, ttl: Duration) -> Result<(), StoreUnavailable> {
        self.put_all(&[(key, value)], ttl).await
    }

    /// Stores several entries for `ttl` in one round trip. They must belong to one user, so that they are in one slot. After an
    /// error, some may have been stored.
    pub async fn put_all(
        &self,
        entries: &[(&str, &str)],
        ttl: Duration,
    ) -> Result<(), StoreUnavailable> {
        either!(self, store => store.put_all(entries, ttl))
    }

    /// Reads and deletes a value in one step: of any number of concurrent callers, one gets it.
    pub async fn take(&self, key: &str) -> Result<Option<String>, StoreUnavailable> {
        either!(self, store => store.take(key))
    }

    /// Reads keys, in their order, in one batch with the other reads of this thread's scheduler turn.
    pub async fn get(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreUnavailable> {
        let fault = self.inject_fault()?;
        unless_result_lost(fault, self.batcher.get(&self.store, keys).await)
    }

    /// Reads one key, as [`Ephemeral::get`] does.
    pub async fn get_one(&self, key: &str) -> Result<Option<String>, StoreUnavailable> {
        Ok(self.get(&[key]).await?.pop().flatten())
    }

    /// Reads a value that was stored as JSON; `None` also if it can't be parsed.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, StoreUnavailable> {
        let stored = self.get_one(key).await?;
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Deletes a key, if it exists.
    pub async fn remove(&self, key: &str) -> Result<(), StoreUnavailable> {
        either!(self, store => store.remove(key))
    }

    /// Compare-and-set: stores `new` for `ttl` only if the value is still `old`. Returns whether it is `new` now. Never
    /// recreates a key.
    pub async fn replace(
        &self,
        key: &str,
        old: &str,
        new: &str,
        ttl: Duration,
    ) -> Result<bool, StoreUnavailable> {
        either!(self, store => store.replace(key, old, new, ttl))
    }

    /// Increments a counter, which expires `ttl` after its first increment, and returns it.
    pub async fn count(&self, key: &str, ttl: Duration) -> Result<u64, StoreUnavailable> {
        either!(self, store => store.count(key, ttl))
    }

    /// Stores `version:value` unless the stored version is the same or newer; returns whether it stored. The only way to write
    /// account state records.
    pub async fn store_newer(
        &self,
        key: &str,
        version: i64,
        value: &str,
        ttl: Duration,
    ) -> Result<bool, StoreUnavailable> {
        either!(self, store => store.store_newer(key, version, value, ttl))
    }

    /// Like [`Ephemeral::store_newer`], for a caller that already has the value from the database. A store that refuses writes
    /// (because it is full, or a replica) must not make the read fail, so errors are only logged.
    pub async fn fill(&self, key: &str, version: i64, value: &str, ttl: Duration) {
        // Boxed, because fills are rare, and this future would otherwise enlarge the future of every reader.
        if let Err(error) = Box::pin(self.store_newer(key, version, value, ttl)).await
            && self.warning_throttle.is_due()
        {
            tracing::warn!(%error, "the cache can't be written; reads go to the database");
        }
    }

    /// Checks that the store responds, accepts writes, and is configured not to lose data.
    pub async fn check(&self) -> Result<(), StoreCheckError> {
        if let Store::Redis(store) = &self.store {
            store.check().await?;
        }
        // A store that is full or read-only still responds to everything else.
        Ok(self.put(&self.probe, "", PROBE_TTL).await?)
    }

    /// Deletes expired entries, if the store doesn't do so by itself.
    pub async fn delete_expired(&self) -> Result<(), StoreUnavailable> {
        match &self.store {
            Store::Redis(_) => Ok(()),
            Store::Embedded(store) => store.delete_expired().await,
        }
    }
}
