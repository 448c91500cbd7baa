//! Signs tokens. Only this module decrypts private keys for use.

use std::sync::{Arc, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::keyring::{KeyError, Keyring};
use super::private_key::PrivateKey;
use super::queries;
use crate::account_state::{ChangePending, Unavailable};
use crate::base::ids::SigningKeyId;
use crate::base::seal::OpenError;
use crate::clients::Algorithm;
use crate::db;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A store is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// No key of this algorithm may sign.
    #[error("no active {} signing key", .0.as_str())]
    NoKey(Algorithm),
    /// The private key can't be decrypted.
    #[error("the signing key {0} can't be decrypted: {1}")]
    Sealed(SigningKeyId, OpenError),
    /// The decrypted data is missing or not a private key.
    #[error("the signing key {0} can't be parsed")]
    Unreadable(SigningKeyId),
    /// The claims can't be serialized.
    #[error("can't serialize the claims: {0}")]
    Claims(#[from] serde_json::Error),
    /// The cryptographic library failed to sign.
    #[error("the signing key {0} failed to sign")]
    Refused(SigningKeyId),
}

impl From<db::Error> for SignError {
    fn from(error: db::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

/// The header of a signed JWT (RFC 7515 §4.1, RFC 8725 §3.11).
#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: SigningKeyId,
    typ: &'a str,
}

/// The active signing key, decrypted: signing reads no store. Get the signer before consuming a single-use code or token.
#[derive(Clone, Debug)]
pub struct Signer {
    kid: SigningKeyId,
    algorithm: Algorithm,
    private: Arc<PrivateKey>,
}

impl Signer {
    /// The algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs the claims and returns the JWT.
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, SignError> {
        let header = Header {
            alg: self.algorithm.as_str(),
            kid: self.kid,
            typ,
        };
        // RFC 7515 §3.1: the signature covers both parts in their encoded form.
        let message = format!("{}.{}", encode(&header)?, encode(claims)?);
        let signature = self
            .private
            .sign(message.as_bytes())
            .map_err(|_| SignError::Refused(self.kid))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl SignError {
    /// Converts the error of creating an algorithm's first key.
    fn first_key(algorithm: Algorithm, error: KeyError) -> Self {
        match error {
            KeyError::Pending(ChangePending(error)) => Self::Unavailable(error),
            KeyError::Database(error) => error.into(),
            KeyError::Sealed(kid, error) => Self::Sealed(kid, error),
            KeyError::Unknown | KeyError::Unmade => Self::NoKey(algorithm),
        }
    }
}

impl Keyring {
    /// Returns the active key of this algorithm, and creates the algorithm's first key if there is none.
    pub async fn signer(&self, algorithm: Algorithm) -> Result<Signer, SignError> {
        let mut key_set = self.key_set().await?;
        if !key_set.has_keys(algorithm) {
            let made = self.make_first(algorithm).await;
            made.map_err(|error| SignError::first_key(algorithm, error))?;
            key_set = self.key_set().await?;
        }
        let key = key_set
            .signer(algorithm, self.clock.now())
            .ok_or(SignError::NoKey(algorithm))?;
        Ok(Signer {
            kid: key.id,
            algorithm,
            private: self.open(key.id, algorithm).await?,
        })
    }

    /// Signs the claims under the active key of this algorithm and returns the JWT.
    pub async fn sign<C: Serialize>(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &C,
    ) -> Result<String, SignError> {
        self.signer(algorithm).await?.sign(typ, claims)
    }

    /// Returns the private key, which each process decrypts once.
    async fn open(
        &self,
        kid: SigningKeyId,
        algorithm: Algorithm,
    ) -> Result<Arc<PrivateKey>, SignError> {
        if let Some(private) = self.opened(kid) {
            return Ok(private);
        }
        let keyring = self.clone();
        let private = self
            .database
            .read(move |conn| {
                let sealed = queries::find_sealed(conn, kid)?.ok_or(SignError::Unreadable(kid))?;
                let pkcs8 = keyring
                    .sealer
                    .open(&sealed, kid.uuid().as_bytes())
                    .map_err(|error| SignError::Sealed(kid, error))?;
                PrivateKey::parse(algorithm, &pkcs8).ok_or(SignError::Unreadable(kid))
            })
            .await?;
        let private = Arc::new(private);
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        opened.insert(kid, private.clone());
        Ok(private)
    }

    fn opened(&self, kid: SigningKeyId) -> Option<Arc<PrivateKey>> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.get(&kid).cloned()
    }
}

fn encode(part: &impl Serialize) -> serde_json::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part)?))
}
