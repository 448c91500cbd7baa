//! Rotates keys: by schedule, or on request.

use super::key::{KeyView, SigningKey, signer, view};
use super::keyring::{KeyError, Keyring, doorward};
use super::make::PrivateKey;
use super::queries;
use super::schedule::{Occasion, Schedule, Step};
use crate::base::clock::Timestamp;
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;
use crate::db::{self, Connection};
use crate::history::Author;
use crate::timed;

/// Result of a rotation that found or created a successor.
#[derive(Debug)]
pub(super) struct Followed {
    /// The successor.
    pub(super) key: SigningKey,
    /// Whether this call created it.
    pub(super) made: bool,
}

/// A new key pair that is not stored yet, its private key encrypted.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    id: SigningKeyId,
    algorithm: Algorithm,
    public: serde_json::Map<String, serde_json::Value>,
    sealed: Vec<u8>,
}

/// The times and the author of a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    /// Time of the database's clock, which orders changes.
    pub(super) at: Timestamp,
    /// Time of the application's clock, which key states are compared with.
    pub(super) now: Timestamp,
    pub(super) schedule: Schedule,
    pub(super) author: &'a Author,
}

impl Keyring {
    /// Publishes a successor for each key whose signing period ends soon. Run periodically by every instance; one creates the key.
    pub async fn rotate_due(&self) -> Result<(), KeyError> {
        let mut made = false;
        for algorithm in self.algorithms().await? {
            let followed = self.follow(algorithm, Occasion::Time, doorward()).await?;
            made |= followed.is_some_and(|followed| followed.made);
        }
        if made {
            self.publish().await?;
        }
        Ok(())
    }

    /// Returns the algorithms that have keys.
    pub(super) async fn algorithms(&self) -> db::Result<Vec<Algorithm>> {
        let keys = self.database.read(queries::list).await?;
        let has_keys = |algorithm: &Algorithm| keys.iter().any(|key| key.algorithm == *algorithm);
        Ok(Algorithm::ALL.into_iter().filter(has_keys).collect())
    }

    /// Creates the first key of an algorithm, which signs immediately, because no service can have cached an older one. Of
    /// concurrent callers exactly one creates it.
    pub(super) async fn make_first(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        self.follow(algorithm, Occasion::Start, doorward()).await?;
        // Publish it also if another instance created it, because this one may not have read it yet.
        Ok(self.publish().await?)
    }

    /// Publishes a successor, which signs once services had time to fetch it, for one algorithm or for every algorithm that has
    /// keys. If a successor is waiting already, returns that one. Safe to repeat.
    ///
    /// # Errors
    /// If the change is not in force.
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
            let followed = self
                .follow(algorithm, Occasion::Order, author.clone())
                .await?;
            successors.extend(followed.map(|followed| followed.key));
        }
        self.publish().await?;
        let all = self.database.read(queries::list).await?;
        Ok(view(&successors, &all, self.clock.now()))
    }

    /// Creates the successor for one algorithm if it is due; returns `None` if it is not. Doesn't publish it.
    pub(super) async fn follow(
        &self,
        algorithm: Algorithm,
        occasion: Occasion,
        author: Author,
    ) -> Result<Option<Followed>, KeyError> {
        let find = move |conn: &mut Connection| queries::list_of(conn, algorithm);
        let keys = self.database.read(find).await?;
        match self.schedule.step(&keys, self.clock.now(), occasion) {
            Step::Rest => return Ok(None),
            Step::Waits(key) => {
                let key = key.clone();
                return Ok(Some(Followed { key, made: false }));
            }
            Step::MakeNow | Step::MakeNext => {}
        }
        let draft = self.draft(algorithm).await?;
        let keyring = self.clone();
        let work = move |conn: &mut Connection| keyring.follow_in(conn, occasion, &draft, &author);
        match self.database.write(work.clone()).await {
            // Two instances started at the same time and the other one created the first key, which can be read now.
            Err(KeyError::Database(db::Error::Taken(_))) => self.database.write(work).await,
            other => other,
        }
    }

    /// Checks under the lock whether a key is still needed (double-checked), and if so stores the key pair.
    fn follow_in(
        &self,
        conn: &mut Connection,
        occasion: Occasion,
        draft: &Draft,
        author: &Author,
    ) -> Result<Option<Followed>, KeyError> {
        let keys = queries::lock(conn, draft.algorithm)?;
        let change = self.change(conn, author)?;
        let signs_from = match self.schedule.step(&keys, change.now, occasion) {
            Step::Rest => return Ok(None),
            Step::Waits(key) => {
                let key = key.clone();
                return Ok(Some(Followed { key, made: false }));
            }
            Step::MakeNow => change.now,
            Step::MakeNext => self.schedule.turn(change.now),
        };
        let key = add(conn, &change, &keys, draft, signs_from)?;
        Ok(Some(Followed { key, made: true }))
    }

    /// Returns the times and the author of a change that is made now.
    pub(super) fn change<'a>(
        &self,
        conn: &mut Connection,
        author: &'a Author,
    ) -> db::Result<Change<'a>> {
        Ok(Change {
            at: self.database.now(conn)?,
            now: self.clock.now(),
            schedule: self.schedule,
            author,
        })
    }

    /// Generates a key pair and encrypts its private key.
    pub(super) async fn draft(&self, algorithm: Algorithm) -> Result<Draft, KeyError> {
        let sealer = self.sealer.clone();
        let make = move || -> Result<Draft, aws_lc_rs::error::Unspecified> {
            let id = SigningKeyId::random();
            let private = PrivateKey::generate(algorithm)?;
            Ok(Draft {
                id,
                algorithm,
                public: private.public_members()?,
                sealed: sealer.seal(&private.to_pkcs8()?, id.uuid().as_bytes()),
            })
        };
        let task = tokio::task::spawn_blocking(make);
        match timed!(info, "created a signing key", task.await) {
            Ok(Ok(draft)) => Ok(draft),
            Ok(Err(_)) | Err(_) => Err(KeyError::Unmade),
        }
    }
}

/// Adds a key to `keys`, which must be all keys of its algorithm. It is published now and signs from `signs_from` on; the earlier
/// keys leave the JWKS when all tokens that they signed until then have expired.
pub(super) fn add(
    conn: &mut Connection,
    change: &Change<'_>,
    keys: &[SigningKey],
    draft: &Draft,
    signs_from: Timestamp,
) -> db::Result<SigningKey> {
    let end = change.schedule.end(signs_from);
    let signing = signer(keys.iter(), change.now).map(|key| key.id);
    for before in keys.iter().filter(|key| key.is_published(change.now)) {
        if before.retires_at.is_none() || signing == Some(before.id) {
            let mut before = before.clone();
            before.retires_at = Some(end);
            before.step_on(change.at);
            queries::update(conn, &before, change.author)?;
            before.remember(conn, change.author, "key.rotated")?;
        }
    }
    let generations = keys.iter().map(|key| key.generation);
    let key = SigningKey {
        id: draft.id,
        algorithm: draft.algorithm,
        generation: generations.max().unwrap_or(0).saturating_add(1),
        public: draft.public.clone(),
        published_at: change.now,
        signs_from,
        retires_at: None,
        compromised_at: None,
        created_at: change.at,
        version: 1,
        as_of: change.at,
    };
    queries::insert(conn, &key, &draft.sealed, change.author)?;
    key.remember(conn, change.author, "key.created")?;
    Ok(key)
}
