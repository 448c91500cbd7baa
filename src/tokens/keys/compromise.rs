//! Handles compromised keys: from then on, every instance rejects all tokens signed under them.

use serde::Serialize;

use super::key::{KeyView, SigningKey, newest, view};
use super::keyring::{KeyError, Keyring};
use super::rotate::{Draft, add};
use super::{queries, rotate::Change};
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;
use crate::db::{self, Connection};
use crate::history::Author;

/// Selects the keys that are compromised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compromised {
    /// The key with this ID.
    Key(SigningKeyId),
    /// All keys of this algorithm, or of every algorithm.
    All(Option<Algorithm>),
}

/// Result of marking keys as compromised.
#[derive(Clone, Debug, Serialize)]
pub struct Compromise {
    /// The keys whose tokens are rejected now.
    pub refused: Vec<KeyView>,
    /// The keys that were created to replace them.
    pub made: Vec<KeyView>,
}

#[derive(Debug, Default)]
struct Condemned {
    refused: Vec<SigningKey>,
    made: Option<SigningKey>,
}

impl Keyring {
    /// Rejects every token signed under these keys, retired ones included, and removes the keys from the JWKS. Algorithms without a
    /// signing key get one that signs immediately. The change is in force in every instance when this returns. Safe to repeat.
    ///
    /// # Errors
    /// `Unknown` if no key has the ID, or that the change is not in force yet.
    pub async fn compromise(
        &self,
        which: Compromised,
        author: Author,
    ) -> Result<Compromise, KeyError> {
        let algorithms = match which {
            Compromised::Key(id) => vec![self.algorithm_of(id).await?],
            Compromised::All(Some(algorithm)) => vec![algorithm],
            Compromised::All(None) => self.algorithms().await?,
        };
        let (mut refused, mut made) = (Vec::new(), Vec::new());
        for algorithm in algorithms {
            let condemned = self.condemn(algorithm, which, author.clone()).await?;
            refused.extend(condemned.refused);
            made.extend(condemned.made);
        }
        self.publish().await?;
        let all = self.database.read(queries::list).await?;
        let now = self.clock.now();
        Ok(Compromise {
            refused: view(&refused, &all, now),
            made: view(&made, &all, now),
        })
    }

    async fn algorithm_of(&self, id: SigningKeyId) -> Result<Algorithm, KeyError> {
        let keys = self.database.read(queries::list).await?;
        let key = keys.iter().find(|key| key.id == id);
        Ok(key.ok_or(KeyError::Unknown)?.algorithm)
    }

    async fn condemn(
        &self,
        algorithm: Algorithm,
        which: Compromised,
        author: Author,
    ) -> Result<Condemned, KeyError> {
        let draft = self.draft(algorithm).await?;
        let keyring = self.clone();
        let work = move |conn: &mut Connection| {
            let keys = queries::lock(conn, algorithm)?;
            let change = keyring.change(conn, &author)?;
            Ok::<_, KeyError>(condemn_in(conn, &change, keys, which, &draft)?)
        };
        self.database.write(work).await
    }
}

fn condemn_in(
    conn: &mut Connection,
    change: &Change<'_>,
    mut keys: Vec<SigningKey>,
    which: Compromised,
    draft: &Draft,
) -> db::Result<Condemned> {
    let mut condemned = Condemned::default();
    if keys.is_empty() {
        return Ok(condemned);
    }
    for key in &mut keys {
        let is_meant = match which {
            Compromised::Key(id) => key.id == id,
            Compromised::All(_) => true,
        };
        if !is_meant {
            continue;
        }
        if !key.is_compromised() {
            key.compromised_at = Some(change.at);
            key.step_on(change.at);
            queries::update(conn, key, change.author)?;
            key.remember(conn, change.author, "key.compromised")?;
        } else if matches!(which, Compromised::All(_)) {
            continue;
        }
        condemned.refused.push(key.clone());
    }
    let nobody_signs = !keys.iter().any(|key| key.is_on_turn(change.now));
    // The signing key is scheduled to retire and its successor is compromised, so another successor is needed.
    let is_stranded = newest(&keys).is_some_and(|key| key.retires_at.is_some());
    let signs_from = if nobody_signs {
        change.now
    } else {
        change.schedule.turn(change.now)
    };
    if nobody_signs || is_stranded {
        condemned.made = Some(add(conn, change, &keys, draft, signs_from)?);
    }
    Ok(condemned)
}
