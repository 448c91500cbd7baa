//! Rotates keys: by schedule, or on request.

use super::key::{KeyView, SigningKey, signer, view};
use super::keyring::{KeyError, Keyring};
use super::private_key::PrivateKey;
use super::queries;
use super::schedule::{RotationStep, Schedule, Trigger};
use crate::base::clock::Timestamp;
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;
use crate::db::{self, Connection};
use crate::history::Author;
use crate::timed;

/// Result of a rotation that found or created a successor.
#[derive(Debug)]
pub(super) struct Rotated {
    pub(super) key: SigningKey,
    pub(super) created: bool,
}

/// A new key pair that is not stored yet, its private key encrypted.
#[derive(Clone, Debug)]
pub(super) struct NewKeyPair {
    id: SigningKeyId,
    algorithm: Algorithm,
    public: serde_json::Map<String, serde_json::Value>,
    sealed: Vec<u8>,
}

/// The times and the author of a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChangeContext<'a> {
    /// Time of the database's clock, which orders changes.
    pub(super) database_now: Timestamp,
    /// Time of the application's clock, which key states are compared with.
    pub(super) now: Timestamp,
    pub(super) schedule: Schedule,
    pub(super) author: &'a Author,
}

impl Keyring {
    /// Publishes a successor for each key whose signing period ends soon. Run periodically by every instance; one creates the key.
    pub async fn rotate_due(&self) -> Result<(), KeyError> {
        let mut created = false;
        for algorithm in self.algorithms().await? {
            let rotated = self
                .rotate_algorithm(algorithm, Trigger::Periodic, Author::doorward())
                .await?;
            created |= rotated.is_some_and(|rotated| rotated.created);
        }
        if created {
            self.refresh_cached_keyring().await?;
        }
        Ok(())
    }

    /// Returns the algorithms that have keys.
    pub(super) async fn algorithms(&self) -> db::Result<Vec<Algorithm>> {
        let keys = self.database.read(queries::list).await?;
        let has_keys = |algorithm: &Algorithm| keys.iter().any(|key| key.algorithm == *algorithm);
        Ok(Algorithm::ALL.into_iter().filter(has_keys).collect())
    }

    /// Creates the first key of an algorithm. It signs immediately, because no cached JWKS has an older key of the algorithm. Of
    /// concurrent callers exactly one creates it.
    pub(super) async fn make_first(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        self.rotate_algorithm(algorithm, Trigger::Start, Author::doorward())
            .await?;
        // Publish it also if another instance created it, because this one may not have read it yet.
        Ok(self.refresh_cached_keyring().await?)
    }

    /// Publishes a successor, which signs once services had time to fetch it, for one algorithm or for every algorithm that has
    /// keys. If a successor is waiting already, returns that one. Safe to repeat.
    pub async fn rotate(
        &self,
        algorithm: Option<Algorithm>,
        author: Author,
    ) -> Result<Vec<KeyView>, KeyError> {
        let wanted = match algorithm {
            Some(algorithm) => vec![algorithm],
            None => self.algorithms().await?,
        };
        let mut successors = Vec::new();
        for algorithm in wanted {
            let rotated = self
                .rotate_algorithm(algorithm, Trigger::Requested, author.clone())
                .await?;
            successors.extend(rotated.map(|rotated| rotated.key));
        }
        self.refresh_cached_keyring().await?;
        let all = self.database.read(queries::list).await?;
        Ok(view(&successors, &all, self.clock.now()))
    }

    /// Creates the successor for one algorithm if it is due; returns `None` if it is not. Doesn't publish it.
    pub(super) async fn rotate_algorithm(
        &self,
        algorithm: Algorithm,
        trigger: Trigger,
        author: Author,
    ) -> Result<Option<Rotated>, KeyError> {
        let find = move |conn: &mut Connection| queries::list_of(conn, algorithm);
        let keys = self.database.read(find).await?;
        match self.schedule.step(&keys, self.clock.now(), trigger) {
            RotationStep::NoAction => return Ok(None),
            RotationStep::AlreadyWaiting(key) => {
                let key = key.clone();
                return Ok(Some(Rotated {
                    key,
                    created: false,
                }));
            }
            RotationStep::CreateActive | RotationStep::CreateNext => {}
        }
        let key_pair = self.generate_key_pair(algorithm).await?;
        let keyring = self.clone();
        let work = move |conn: &mut Connection| {
            keyring.rotate_in_transaction(conn, trigger, &key_pair, &author)
        };
        match self.database.write(work.clone()).await {
            // Two instances started at the same time and the other one created the first key, which can be read now.
            Err(KeyError::Database(db::Error::UniqueViolation(_))) => {
                self.database.write(work).await
            }
            other => other,
        }
    }

    /// Checks under the lock whether a key is still needed (double-checked), and if so stores the key pair.
    fn rotate_in_transaction(
        &self,
        conn: &mut Connection,
        trigger: Trigger,
        key_pair: &NewKeyPair,
        author: &Author,
    ) -> Result<Option<Rotated>, KeyError> {
        let keys = queries::lock(conn, key_pair.algorithm)?;
        let change = self.change(conn, author)?;
        let signs_from = match self.schedule.step(&keys, change.now, trigger) {
            RotationStep::NoAction => return Ok(None),
            RotationStep::AlreadyWaiting(key) => {
                let key = key.clone();
                return Ok(Some(Rotated {
                    key,
                    created: false,
                }));
            }
            RotationStep::CreateActive => change.now,
            RotationStep::CreateNext => self.schedule.signing_start(change.now),
        };
        let key = add(conn, &change, &keys, key_pair, signs_from)?;
        Ok(Some(Rotated { key, created: true }))
    }

    /// Returns the times and the author of a change that is made now.
    pub(super) fn change<'a>(
        &self,
        conn: &mut Connection,
        author: &'a Author,
    ) -> db::Result<ChangeContext<'a>> {
        Ok(ChangeContext {
            database_now: self.database.now(conn)?,
            now: self.clock.now(),
            schedule: self.schedule,
            author,
        })
    }

    /// Generates a key pair and encrypts its private key.
    pub(super) async fn generate_key_pair(
        &self,
        algorithm: Algorithm,
    ) -> Result<NewKeyPair, KeyError> {
        let sealer = self.sealer.clone();
        let make = move || -> Result<NewKeyPair, aws_lc_rs::error::Unspecified> {
            let id = SigningKeyId::random();
            let private = PrivateKey::generate(algorithm)?;
            Ok(NewKeyPair {
                id,
                algorithm,
                public: private.public_members()?,
                sealed: sealer.seal(&private.to_pkcs8()?, id.uuid().as_bytes()),
            })
        };
        let task = tokio::task::spawn_blocking(make);
        match timed!(info, "created a signing key", task.await) {
            Ok(Ok(key_pair)) => Ok(key_pair),
            Ok(Err(_)) | Err(_) => Err(KeyError::Unmade),
        }
    }
}

/// Adds a key to `keys`, which must be all keys of its algorithm. It is published now and signs from `signs_from` on; the earlier
/// keys leave the JWKS when all tokens that they signed until then have expired.
pub(super) fn add(
    conn: &mut Connection,
    change: &ChangeContext<'_>,
    keys: &[SigningKey],
    key_pair: &NewKeyPair,
    signs_from: Timestamp,
) -> db::Result<SigningKey> {
    let end = change.schedule.end(signs_from);
    let signing = signer(keys.iter(), change.now).map(|key| key.id);
    for before in keys.iter().filter(|key| key.is_published(change.now)) {
        if before.retires_at.is_none() || signing == Some(before.id) {
            let mut before = before.clone();
            before.retires_at = Some(end);
            before.increment_version(change.database_now);
            queries::update(conn, &before, change.author)?;
            before.record_version(conn, change.author, "key.rotated")?;
        }
    }
    let generations = keys.iter().map(|key| key.generation);
    let key = SigningKey {
        id: key_pair.id,
        algorithm: key_pair.algorithm,
        generation: generations.max().unwrap_or(0).saturating_add(1),
        public: key_pair.public.clone(),
        published_at: change.now,
        signs_from,
        retires_at: None,
        compromised_at: None,
        created_at: change.database_now,
        version: 1,
        as_of: change.database_now,
    };
    queries::insert(conn, &key, &key_pair.sealed, change.author)?;
    key.record_version(conn, change.author, "key.created")?;
    Ok(key)
}
