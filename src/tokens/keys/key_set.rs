//! The key set: all keys as of one version, the JWK Set that services fetch, and the verification of tokens.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::{SigningKey, signer};
use super::verified_signatures::{VerifiedSignatureCache, fingerprint};
use crate::base::clock::Timestamp;
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;

/// How many keys of each algorithm are in the record: years' worth with the default schedule, and a bounded size with any.
const MAX_KEYS_PER_ALGORITHM: usize = 32;

/// The cached record in the ephemeral store. It contains no secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// Sum of the versions of all keys. It grows with each change, because keys are never deleted.
    pub(super) version: i64,
    keys: Vec<SigningKey>,
}

impl Record {
    /// Selects the newest keys of each algorithm from these, which are sorted oldest first.
    pub(super) fn of(version: i64, keys: &[SigningKey]) -> Self {
        let mut kept = Vec::new();
        for algorithm in Algorithm::ALL {
            let fellows = keys.iter().filter(|key| key.algorithm == algorithm);
            kept.extend(fellows.rev().take(MAX_KEYS_PER_ALGORITHM).cloned());
        }
        Self {
            version,
            keys: kept,
        }
    }
}

/// All keys, as of one version.
#[derive(Debug)]
pub struct KeySet {
    pub(super) version: i64,
    /// Sorted by algorithm, newest first.
    keys: Vec<SigningKey>,
    /// Built once per version, because building one costs as much as a verification.
    verifiers: HashMap<SigningKeyId, DecodingKey>,
    verified_signatures: VerifiedSignatureCache,
}

/// Why a token could not be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not a signed JWT, names no key, or uses an unsupported algorithm (such as `none`).
    #[error("token-malformed")]
    Malformed,
    /// It requires an extension; none is supported (RFC 7515 §4.1.11).
    #[error("token-critical-extension")]
    Critical,
    /// No signing key has its key ID.
    #[error("token-key-unknown")]
    UnknownKey,
    /// Its key is compromised.
    #[error("token-key-compromised")]
    Compromised,
    /// Its key is retired, so all genuine tokens under it have expired.
    #[error("token-key-retired")]
    Retired,
    /// Its algorithm is not that of its key.
    #[error("token-algorithm")]
    Algorithm,
    /// It was issued for another use (RFC 8725 §3.11).
    #[error("token-type")]
    Type,
    /// Its signature doesn't match its key.
    #[error("token-signature")]
    Signature,
    /// It is genuine, but doesn't have the expected claims.
    #[error("token-claims")]
    Claims,
}

impl KeySet {
    /// Parses the stored copy of the keys.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for fuzz targets"))]
    pub fn parse(copy: &str) -> Option<Self> {
        let record = serde_json::from_str(copy).ok()?;
        Some(Self::new(record, VerifiedSignatureCache::default()))
    }

    /// `verified_signatures` is shared by all versions, because a key ID refers to the same key in all of them.
    pub(super) fn new(record: Record, verified_signatures: VerifiedSignatureCache) -> Self {
        let mut verifiers = HashMap::new();
        for key in &record.keys {
            match verifier(key) {
                Some(verifier) => drop(verifiers.insert(key.id, verifier)),
                None => {
                    tracing::error!(kid = %key.id, "a signing key's public key can't be parsed");
                }
            }
        }
        Self {
            version: record.version,
            keys: record.keys,
            verifiers,
            verified_signatures,
        }
    }

    /// Returns the JWK Set (RFC 7517 §5) of the keys that are published at this time: public members, `kid`, `use`, `alg`.
    pub fn jwks(&self, now: Timestamp) -> Value {
        let published = self.keys.iter().filter(|key| key.is_published(now));
        let keys: Vec<Value> = published.map(SigningKey::jwk).collect();
        json!({ "keys": keys })
    }

    /// Verifies a token that Doorward signed, and returns its claims: its key must be known and not compromised, its `alg` that of
    /// the key, its `typ` one of these (in any case, with or without `application/`), its signature valid. Retired keys are
    /// accepted. The caller must check `exp`, `iss` and `aud`.
    pub fn verify<C: DeserializeOwned>(&self, token: &str, typ: &[&str]) -> Result<C, VerifyError> {
        self.verify_under(token, typ, |_| true)
    }

    /// Verifies a token as [`KeySet::verify`] does, but rejects retired keys: for tokens that grant something. A key is published
    /// until all tokens that it signed have expired, so a token under a retired key was not issued by Doorward.
    pub fn verify_current<C: DeserializeOwned>(
        &self,
        token: &str,
        typ: &[&str],
        now: Timestamp,
    ) -> Result<C, VerifyError> {
        self.verify_under(token, typ, |key| !key.is_retired(now))
    }

    fn verify_under<C: DeserializeOwned>(
        &self,
        token: &str,
        typ: &[&str],
        is_good: impl Fn(&SigningKey) -> bool,
    ) -> Result<C, VerifyError> {
        let header = decode_header(token).map_err(|_| VerifyError::Malformed)?;
        if header.crit.is_some() {
            return Err(VerifyError::Critical);
        }
        let kid = header.kid.ok_or(VerifyError::Malformed)?;
        let key = SigningKeyId::parse(&kid)
            .and_then(|id| self.keys.iter().find(|key| key.id == id))
            .ok_or(VerifyError::UnknownKey)?;
        if key.is_compromised() {
            return Err(VerifyError::Compromised);
        }
        if !is_good(key) {
            return Err(VerifyError::Retired);
        }
        let algorithm = jws_algorithm(key.algorithm);
        if header.alg != algorithm {
            return Err(VerifyError::Algorithm);
        }
        let is_expected = |given: &str| typ.iter().any(|wanted| is_same_type(given, wanted));
        if !header.typ.as_deref().is_some_and(is_expected) {
            return Err(VerifyError::Type);
        }
        let verifier = self.verifiers.get(&key.id).ok_or(VerifyError::UnknownKey)?;
        let print = fingerprint(token);
        if self.verified_signatures.contains(&print) {
            return claims(token);
        }
        match decode::<C>(token, verifier, &signature_alone(algorithm)) {
            Ok(token) => {
                self.verified_signatures.insert(print);
                Ok(token.claims)
            }
            Err(error) => Err(match error.kind() {
                ErrorKind::InvalidSignature => VerifyError::Signature,
                ErrorKind::InvalidAlgorithm => VerifyError::Algorithm,
                ErrorKind::Json(_) => VerifyError::Claims,
                _ => VerifyError::Malformed,
            }),
        }
    }

    /// Returns whether there is or was a key of this algorithm.
    pub(super) fn has_keys(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.algorithm == algorithm)
    }

    /// Returns the key of this algorithm that signs at this time.
    pub(super) fn signer(&self, algorithm: Algorithm, now: Timestamp) -> Option<&SigningKey> {
        let fellows = self.keys.iter().filter(|key| key.algorithm == algorithm);
        signer(fellows, now)
    }
}

/// Parses the claims of a token whose signature was verified.
fn claims<C: DeserializeOwned>(token: &str) -> Result<C, VerifyError> {
    let payload = token.split('.').nth(1).ok_or(VerifyError::Malformed)?;
    let payload = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| VerifyError::Malformed)?;
    serde_json::from_slice(&payload).map_err(|_| VerifyError::Claims)
}

fn jws_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    }
}

fn verifier(key: &SigningKey) -> Option<DecodingKey> {
    let member = |name| key.public.get(name).and_then(Value::as_str);
    match key.algorithm {
        Algorithm::RS256 => DecodingKey::from_rsa_components(member("n")?, member("e")?),
        Algorithm::ES256 => DecodingKey::from_ec_components(member("x")?, member("y")?),
        Algorithm::EdDSA => DecodingKey::from_ed_components(member("x")?),
    }
    .ok()
}

/// Validates only the signature: the library would compare times with the system clock instead of the application's.
fn signature_alone(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// RFC 7515 §4.1.9: the prefix `application/` is optional in `typ`; media types ignore case.
fn is_same_type(given: &str, wanted: &str) -> bool {
    let bare = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_prefix("application/")
            .map_or(text.clone(), str::to_owned)
    };
    bare(given) == bare(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_type_is_compared_case_insensitively_with_and_without_its_prefix() {
        assert!(is_same_type("at+jwt", "at+JWT"));
        assert!(is_same_type("application/at+jwt", "at+jwt"));
        assert!(is_same_type("Application/AT+JWT", "application/at+jwt"));
        assert!(!is_same_type("JWT", "at+jwt"));
        assert!(!is_same_type("", "at+jwt"));
    }
}
