//! A key is in wrong hands: nothing under it is believed any more, by anybody, at once.

use serde::Serialize;

use super::key::{KeyView, SigningKey, newest, view};
use super::keyring::{KeyError, Keyring};
use super::rotate::{Draft, add};
use super::{queries, rotate::Change};
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;
use crate::db::{self, Connection};
use crate::history::Author;

/// Which keys are in wrong hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compromised {
    /// This one.
    Key(SigningKeyId),
    /// Every one of this algorithm, or of all.
    All(Option<Algorithm>),
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Compromise {
    /// The keys that are refused now.
    pub refused: Vec<KeyView>,
    /// The keys that were made in their place.
    pub made: Vec<KeyView>,
}

#[derive(Debug, Default)]
struct Condemned {
    refused: Vec<SigningKey>,
    made: Option<SigningKey>,
}

impl Keyring {
    /// Refuses every token under these keys, retired ones included, and takes them out of the JWKS. Where nothing may sign
    /// after that, a new key does at once. When this returns it is in force in every instance. Safe to repeat.
    ///
    /// # Errors
    /// `Unknown`, or when the change is not in force.
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
    // The successor was refused before its turn, and the signing key is to leave: it needs another one.
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
