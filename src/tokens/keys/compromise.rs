//! Handles compromised keys: from then on, every instance rejects all tokens signed under them.

use serde::Serialize;

use super::key::{KeyView, SigningKey, newest, view};
use super::keyring::{KeyError, Keyring};
use super::rotate::{NewKeyPair, add};
use super::{queries, rotate::ChangeContext};
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;
use crate::db::{self, Connection};
use crate::history::Author;

/// Selects the keys that are compromised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompromisedKeys {
    /// The key with this ID.
    Key(SigningKeyId),
    /// All keys of this algorithm, or of every algorithm.
    All(Option<Algorithm>),
}

/// Result of marking keys as compromised.
#[derive(Clone, Debug, Serialize)]
pub struct CompromiseOutcome {
    /// The keys whose tokens are rejected now.
    pub refused: Vec<KeyView>,
    /// The keys that were created to replace them.
    pub created: Vec<KeyView>,
}

#[derive(Debug, Default)]
struct CompromisedInAlgorithm {
    refused: Vec<SigningKey>,
    created: Option<SigningKey>,
}

impl Keyring {
    /// Rejects every token signed under these keys, retired ones included, and removes the keys from the JWKS. Algorithms without a
    /// signing key get one that signs immediately. The change is in force in every instance when this returns. Safe to repeat.
    pub async fn compromise(
        &self,
        which: CompromisedKeys,
        author: Author,
    ) -> Result<CompromiseOutcome, KeyError> {
        let algorithms = match which {
            CompromisedKeys::Key(id) => vec![self.algorithm_of(id).await?],
            CompromisedKeys::All(Some(algorithm)) => vec![algorithm],
            CompromisedKeys::All(None) => self.algorithms().await?,
        };
        let (mut refused, mut created) = (Vec::new(), Vec::new());
        for algorithm in algorithms {
            let outcome = self
                .compromise_algorithm(algorithm, which, author.clone())
                .await?;
            refused.extend(outcome.refused);
            created.extend(outcome.created);
        }
        self.refresh_cached_keyring().await?;
        let all = self.database.read(queries::list).await?;
        let now = self.clock.now();
        Ok(CompromiseOutcome {
            refused: view(&refused, &all, now),
            created: view(&created, &all, now),
        })
    }

    async fn algorithm_of(&self, id: SigningKeyId) -> Result<Algorithm, KeyError> {
        let keys = self.database.read(queries::list).await?;
        let key = keys.iter().find(|key| key.id == id);
        Ok(key.ok_or(KeyError::Unknown)?.algorithm)
    }

    async fn compromise_algorithm(
        &self,
        algorithm: Algorithm,
        which: CompromisedKeys,
        author: Author,
    ) -> Result<CompromisedInAlgorithm, KeyError> {
        let key_pair = self.generate_key_pair(algorithm).await?;
        let keyring = self.clone();
        let work = move |conn: &mut Connection| {
            let keys = queries::lock(conn, algorithm)?;
            let change = keyring.change(conn, &author)?;
            Ok::<_, KeyError>(compromise_in_transaction(
                conn, &change, keys, which, &key_pair,
            )?)
        };
        self.database.write(work).await
    }
}

fn compromise_in_transaction(
    conn: &mut Connection,
    change: &ChangeContext<'_>,
    mut keys: Vec<SigningKey>,
    which: CompromisedKeys,
    key_pair: &NewKeyPair,
) -> db::Result<CompromisedInAlgorithm> {
    let mut outcome = CompromisedInAlgorithm::default();
    if keys.is_empty() {
        return Ok(outcome);
    }
    for key in &mut keys {
        let is_meant = match which {
            CompromisedKeys::Key(id) => key.id == id,
            CompromisedKeys::All(_) => true,
        };
        if !is_meant {
            continue;
        }
        if !key.is_compromised() {
            key.compromised_at = Some(change.database_now);
            key.increment_version(change.database_now);
            queries::update(conn, key, change.author)?;
            key.record_version(conn, change.author, "key.compromised")?;
        } else if matches!(which, CompromisedKeys::All(_)) {
            continue;
        }
        outcome.refused.push(key.clone());
    }
    let nobody_signs = !keys.iter().any(|key| key.is_due_to_sign(change.now));
    // The signing key is scheduled to retire and its successor is compromised, so another successor is needed.
    let is_stranded = newest(&keys).is_some_and(|key| key.retires_at.is_some());
    let signs_from = if nobody_signs {
        change.now
    } else {
        change.schedule.signing_start(change.now)
    };
    if nobody_signs || is_stranded {
        outcome.created = Some(add(conn, change, &keys, key_pair, signs_from)?);
    }
    Ok(outcome)
}
