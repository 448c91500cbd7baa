//! The public half of a signing key, and its state at a given time.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::base::clock::Timestamp;
use crate::base::ids::SigningKeyId;
use crate::base::text_enum::text_enum;
use crate::clients::Algorithm;
use crate::db::{self, Connection};
use crate::history::{self, Author, Event, Revision, next_as_of};

/// The public data of a signing key. `published_at`, `signs_from` and `retires_at` are times of the application's clock, which
/// agrees between instances to within a minute; `created_at`, `compromised_at` and `as_of` are times of the database's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SigningKey {
    /// ID of the key (`kid`).
    pub(super) id: SigningKeyId,
    pub(super) algorithm: Algorithm,
    /// Counted from 1 in each algorithm; of the keys that may sign, the highest generation does.
    pub(super) generation: i64,
    /// The public members of its JWK (RFC 7518 §6, RFC 8037 §2).
    pub(super) public: Map<String, Value>,
    pub(super) published_at: Timestamp,
    pub(super) signs_from: Timestamp,
    /// When it leaves the JWKS; set when its successor is created.
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

    /// Returns whether its signing period has begun, and it is neither retired nor compromised.
    pub(super) fn is_due_to_sign(&self, now: Timestamp) -> bool {
        self.signs_from <= now && self.is_published(now)
    }

    /// Returns whether it is in the JWKS: from its creation until all tokens that it signed have expired, unless it is compromised.
    pub(super) fn is_published(&self, now: Timestamp) -> bool {
        !self.is_compromised() && !self.is_retired(now)
    }

    /// Returns the key as a JWK (RFC 7517 §4).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = self.public.clone();
        jwk.insert("kid".into(), json!(self.id));
        jwk.insert("use".into(), json!("sig"));
        jwk.insert("alg".into(), json!(self.algorithm.as_str()));
        Value::Object(jwk)
    }

    /// Increments the version and sets its time.
    pub(super) fn increment_version(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.as_of = next_as_of(now, self.as_of);
    }

    /// Stores the revision and the audit event of the current version.
    pub(super) fn record_version(
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
        history::record_revision(conn, author, revision)?;
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

/// Returns the newest of these keys that is not compromised.
pub(super) fn newest(keys: &[SigningKey]) -> Option<&SigningKey> {
    keys.iter()
        .filter(|key| !key.is_compromised())
        .max_by_key(|key| key.generation)
}

/// Returns the key that signs, given the keys of one algorithm: the newest whose signing period has begun. If there is none (an
/// instance whose clock is ahead just created a key that signs immediately), returns the one whose period begins first.
pub(super) fn signer<'a>(
    keys: impl Iterator<Item = &'a SigningKey>,
    now: Timestamp,
) -> Option<&'a SigningKey> {
    let published: Vec<_> = keys.filter(|key| key.is_published(now)).collect();
    let due_to_sign = published.iter().filter(|key| key.is_due_to_sign(now));
    due_to_sign
        .max_by_key(|key| key.generation)
        .or_else(|| published.iter().min_by_key(|key| key.signs_from))
        .copied()
}

/// State of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, but not signing yet, so that services have time to fetch it.
    Waiting,
    /// The key that signs now.
    Signing,
    /// It no longer signs, but tokens that it signed may still be valid.
    Replaced,
    /// It was removed from the JWKS because all tokens that it signed have expired.
    Retired,
    /// Tokens that it signed are rejected.
    Compromised,
}

text_enum!(KeyState {
    Waiting = "waiting",
    Signing = "signing",
    Replaced = "replaced",
    Retired = "retired",
    Compromised = "compromised",
});

/// A key as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// ID of the key, in token headers and in the JWKS.
    pub kid: SigningKeyId,
    /// Signature algorithm of the key.
    pub algorithm: Algorithm,
    /// State of the key.
    pub state: KeyState,
    /// When it was added to the JWKS.
    pub published_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When it leaves the JWKS; `None` if it has no successor yet.
    pub retires_at: Option<Timestamp>,
    /// When it was reported as compromised; `None` if it was not.
    pub compromised_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Converts keys to their listed form. `all` must contain every key, because whether a key signs depends on the others.
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
