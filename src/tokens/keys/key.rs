//! A signing key without its private half, and what it is good for at an instant.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::base::clock::Timestamp;
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;
use crate::db::{self, Connection};
use crate::history::{self, Author, Event, Revision, next_as_of};

/// What everybody may know of a key. Its times are the application's clock's, which every instance shares to within a
/// minute; `created_at`, `compromised_at` and `as_of` are the database's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SigningKey {
    /// ID of the key (`kid`).
    pub(super) id: SigningKeyId,
    pub(super) algorithm: Algorithm,
    /// From 1 in each algorithm; the newest that may sign does.
    pub(super) generation: i64,
    /// The members of its JWK that make the public key (RFC 7518 §6, RFC 8037 §2).
    pub(super) public: Map<String, Value>,
    pub(super) published_at: Timestamp,
    pub(super) signs_from: Timestamp,
    /// When it leaves the JWKS; known once its successor is.
    pub(super) retires_at: Option<Timestamp>,
    pub(super) compromised_at: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) version: i64,
    pub(super) as_of: Timestamp,
}

impl SigningKey {
    pub(super) fn is_compromised(&self) -> bool {
        self.compromised_at.is_some()
    }

    pub(super) fn is_retired(&self, now: Timestamp) -> bool {
        self.retires_at.is_some_and(|at| at <= now)
    }

    /// Whether its turn to sign has come, and it may.
    pub(super) fn is_on_turn(&self, now: Timestamp) -> bool {
        self.signs_from <= now && self.is_published(now)
    }

    /// Whether it stands in the JWKS: from its making on, for it signs, will sign, or what it signed may still be shown.
    pub(super) fn is_published(&self, now: Timestamp) -> bool {
        !self.is_compromised() && !self.is_retired(now)
    }

    /// As a JWK (RFC 7517 §4).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = self.public.clone();
        jwk.insert("kid".into(), json!(self.id));
        jwk.insert("use".into(), json!("sig"));
        jwk.insert("alg".into(), json!(self.algorithm.as_str()));
        Value::Object(jwk)
    }

    /// Begins the next version.
    pub(super) fn step_on(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.as_of = next_as_of(now, self.as_of);
    }

    /// Writes the revision and the audit event of the present version.
    pub(super) fn remember(
        &self,
        conn: &mut Connection,
        author: &Author,
        action: &'static str,
    ) -> db::Result<()> {
        let revision = Revision {
            entity: "signing_key",
            entity_id: self.id.uuid(),
            version: self.version,
            as_of: self.as_of,
            data: json!(self),
        };
        history::revise(conn, author, revision)?;
        let details = json!({
            "kid": self.id,
            "algorithm": self.algorithm,
            "signs_from": self.signs_from,
            "retires_at": self.retires_at,
        });
        let event = Event::done(action).details(details);
        history::record(conn, self.as_of, author, event)
    }
}

/// The newest of these keys that nobody has reason to distrust.
pub(super) fn newest(keys: &[SigningKey]) -> Option<&SigningKey> {
    keys.iter()
        .filter(|key| !key.is_compromised())
        .max_by_key(|key| key.generation)
}

/// Which of these keys, all of one algorithm, signs: the newest whose turn has come. Where nobody's has (a key was just made
/// that signs at once, by an instance whose clock is ahead), the one whose turn comes first.
pub(super) fn signer<'a>(
    keys: impl Iterator<Item = &'a SigningKey>,
    now: Timestamp,
) -> Option<&'a SigningKey> {
    let published: Vec<_> = keys.filter(|key| key.is_published(now)).collect();
    let on_turn = published.iter().filter(|key| key.is_on_turn(now));
    on_turn
        .max_by_key(|key| key.generation)
        .or_else(|| published.iter().min_by_key(|key| key.signs_from))
        .copied()
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, and services are given time to fetch it.
    Waiting,
    /// What is signed now is signed under it.
    Signing,
    /// It signs no more; what it signed may still be shown.
    Replaced,
    /// It has left the JWKS.
    Retired,
    /// Nothing under it is believed.
    Compromised,
}

impl KeyState {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Signing => "signing",
            Self::Replaced => "replaced",
            Self::Retired => "retired",
            Self::Compromised => "compromised",
        }
    }
}

/// A key as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// Its id in headers and in the JWKS.
    pub kid: SigningKeyId,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Where it is in its life.
    pub state: KeyState,
    /// Since when it stands in the JWKS.
    pub published_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// When it leaves the JWKS.
    pub retires_at: Option<Timestamp>,
    /// Since when it is refused.
    pub compromised_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
}

/// These keys as they are listed. `all` are all there are: whether a key signs depends on the others.
pub(super) fn view(keys: &[SigningKey], all: &[SigningKey], now: Timestamp) -> Vec<KeyView> {
    keys.iter()
        .map(|key| {
            let fellows = all.iter().filter(|other| other.algorithm == key.algorithm);
            let signs = signer(fellows, now).is_some_and(|signer| signer.id == key.id);
            KeyView {
                kid: key.id,
                algorithm: key.algorithm,
                state: state(key, signs, now),
                published_at: key.published_at,
                signs_from: key.signs_from,
                retires_at: key.retires_at,
                compromised_at: key.compromised_at,
                created_at: key.created_at,
            }
        })
        .collect()
}

fn state(key: &SigningKey, signs: bool, now: Timestamp) -> KeyState {
    if key.is_compromised() {
        KeyState::Compromised
    } else if key.is_retired(now) {
        KeyState::Retired
    } else if signs {
        KeyState::Signing
    } else if key.signs_from > now && key.retires_at.is_none() {
        KeyState::Waiting
    } else {
        KeyState::Replaced
    }
}
