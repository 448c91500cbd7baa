//! What may expire: ceremonies, live sessions, standing records, counts. Redis, or a second SQLite file.
//!
//! Promises that each call is one atomic step, seen by every process at once, and that an answer comes within the
//! configured time or not at all ([`Away`]). The reads that a thread issues in one turn are batched. Knows keys and
//! texts, and nothing of what they mean. Nobody outside asks which store it is. What belongs to one person is keyed
//! `…:{user id}…`, braces included, so that one slot of a Redis Cluster holds it.

mod batch;
mod connections;
mod embedded;
mod redis;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use crate::base::clock::{Clock, Stopwatch};
use crate::base::faults::{Cut, Faults};
use crate::base::secrets::Token;
use batch::ReadBatcher;

/// The store did not answer, or not in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the ephemeral store is unavailable: {0}")]
pub struct Away(pub String);

fn away(error: impl fmt::Display) -> Away {
    Away(error.to_string())
}

/// Why a store must not be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unfit {
    /// It does not answer.
    #[error(transparent)]
    Away(#[from] Away),
    /// It answers, but is set up so that it would forget what it must keep.
    #[error("{0}")]
    Settings(String),
}

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ephemeral {
    store: Store,
    batcher: ReadBatcher,
    faults: Faults,
    /// The key that readiness checks write; unique to this instance.
    probe: Arc<str>,
    warnings: Arc<Warnings>,
}

/// How long the key of readiness checks is stored.
const PROBE_TTL: Duration = Duration::from_secs(60);

/// Limits how often a fault that affects every request is logged.
#[derive(Debug, Default)]
struct Warnings(Mutex<Option<Stopwatch>>);

impl Warnings {
    const PAUSE: Duration = Duration::from_secs(10);

    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= Self::PAUSE);
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
        let cut = $self.step()?;
        let done = match &$self.store {
            Store::Redis($store) => $call.await,
            Store::Embedded($store) => $call.await,
        };
        answered(cut, done)
    }};
}

/// The result of an operation, unless an injected fault loses it.
fn answered<T>(cut: Option<Cut>, done: Result<T, Away>) -> Result<T, Away> {
    match cut {
        Some(_) => Err(Away("cut off: the response was lost".into())),
        None => done,
    }
}

impl Ephemeral {
    /// Connects to Redis.
    ///
    /// # Errors
    /// When it does not answer or its settings would lose state.
    pub async fn redis(url: &SecretString, timeout: Duration) -> Result<Self, Unfit> {
        let redis = redis::Redis::connect(url, timeout).await?;
        Ok(Self::over(Store::Redis(Arc::new(redis))))
    }

    /// Opens, or makes, the SQLite file at `path`.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub async fn embedded(path: &Path, timeout: Duration, clock: Clock) -> Result<Self, Away> {
        let path = path.to_owned();
        let store = embedded::Embedded::open(path, timeout, clock).await?;
        Ok(Self::over(Store::Embedded(store)))
    }

    fn over(store: Store) -> Self {
        Self {
            store,
            batcher: ReadBatcher::new(),
            faults: Faults::default(),
            probe: format!("ready:{}", Token::generate().hash().to_text()).into(),
            warnings: Arc::default(),
        }
    }

    /// The same store, with operations that fail as `faults` says.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// Whether an injected fault lets this operation run, and how its result gets lost.
    fn step(&self) -> Result<Option<Cut>, Away> {
        match self.faults.next() {
            Some(Cut::Refused) => Err(Away("cut off".into())),
            cut => Ok(cut),
        }
    }

    /// Stores `value` for `ttl`, over whatever was there.
    pub async fn put(&self, key: &str, value: &str, ttl: Duration) -> Result<(), Away> {
        either!(self, store => store.put(key, value, ttl))
    }

    /// Stores several for `ttl` in one round trip: those of one person, for they go to one slot. After an error some may stand.
    pub async fn put_all(&self, entries: &[(&str, &str)], ttl: Duration) -> Result<(), Away> {
        either!(self, store => store.put_all(entries, ttl))
    }

    /// Reads and deletes in one step: of any number of callers one gets the value.
    pub async fn take(&self, key: &str) -> Result<Option<String>, Away> {
        either!(self, store => store.take(key))
    }

    /// Reads several keys in their order, in one batch with the other reads of this thread's turn.
    pub async fn get(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Away> {
        let cut = self.step()?;
        answered(cut, self.batcher.get(&self.store, keys).await)
    }

    /// Deletes a key, there or not.
    pub async fn remove(&self, key: &str) -> Result<(), Away> {
        either!(self, store => store.remove(key))
    }

    /// Compare-and-set: stores `new` for `ttl` only if the value is still `old`. Returns whether it is `new` now. Never recreates a key.
    pub async fn replace(
        &self,
        key: &str,
        old: &str,
        new: &str,
        ttl: Duration,
    ) -> Result<bool, Away> {
        either!(self, store => store.replace(key, old, new, ttl))
    }

    /// Adds one to a count that lives for `ttl` from its first, and returns it.
    pub async fn count(&self, key: &str, ttl: Duration) -> Result<u64, Away> {
        either!(self, store => store.count(key, ttl))
    }

    /// Stores `version:value` unless one is there that is not older; whether it stored. The only writer of standing records.
    pub async fn store_newer(
        &self,
        key: &str,
        version: i64,
        value: &str,
        ttl: Duration,
    ) -> Result<bool, Away> {
        either!(self, store => store.store_newer(key, version, value, ttl))
    }

    /// As [`Ephemeral::store_newer`], for a reader who has the value from the database already: a store that takes no writes (it is
    /// full, or a replica) must not make the read fail.
    pub async fn fill(&self, key: &str, version: i64, value: &str, ttl: Duration) {
        // Boxed, because fills are rare and this future would otherwise enlarge the future of every reader.
        if let Err(error) = Box::pin(self.store_newer(key, version, value, ttl)).await
            && self.warnings.is_due()
        {
            tracing::warn!(%error, "the cache can't be written; reads go to the database");
        }
    }

    /// Checks that the store responds, takes writes, and is configured not to lose data.
    pub async fn check(&self) -> Result<(), Unfit> {
        if let Store::Redis(store) = &self.store {
            store.check().await?;
        }
        // A store that is full or read-only still responds to everything else.
        Ok(self.put(&self.probe, "", PROBE_TTL).await?)
    }

    /// Deletes what has expired, where the store does not do so by itself.
    pub async fn tidy(&self) -> Result<(), Away> {
        match &self.store {
            Store::Redis(_) => Ok(()),
            Store::Embedded(store) => store.tidy().await,
        }
    }
}
