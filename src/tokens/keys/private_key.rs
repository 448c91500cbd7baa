//! Creates key pairs, and signs with private keys.
//!
//! Private keys are held in memory in parsed form: parsing an RSA key for each signature costs four times as much as signing.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::clients::Algorithm;

/// First byte of an uncompressed elliptic-curve point (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A parsed private key. Its `Debug` output is redacted.
pub(super) enum PrivateKey {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

crate::base::secrets::redacted!(PrivateKey);

impl PrivateKey {
    /// Generates a new key. RSA takes about a tenth of a second.
    pub(super) fn generate(algorithm: Algorithm) -> Result<Self, Unspecified> {
        Ok(match algorithm {
            Algorithm::RS256 => Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048)?)),
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                Self::Ecdsa(Box::new(pair))
            }
            Algorithm::EdDSA => Self::Ed(Box::new(Ed25519KeyPair::generate()?)),
        })
    }

    /// Parses a PKCS #8 key of this algorithm, such as the output of [`PrivateKey::to_pkcs8`].
    pub(super) fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Option<Self> {
        Some(match algorithm {
            Algorithm::RS256 => Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(pkcs8).ok()?)),
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
                Self::Ecdsa(Box::new(pair.ok()?))
            }
            Algorithm::EdDSA => Self::Ed(Box::new(Ed25519KeyPair::from_pkcs8(pkcs8).ok()?)),
        })
    }

    /// Serializes the key as PKCS #8 (RFC 5208; Ed25519 as version 2, RFC 5958), for encryption.
    pub(super) fn to_pkcs8(&self) -> Result<Vec<u8>, Unspecified> {
        Ok(match self {
            Self::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(&**pair)?.as_ref().to_vec(),
            Self::Ecdsa(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Ed(pair) => pair.to_pkcs8()?.as_ref().to_vec(),
        })
    }

    /// Returns the public members of the JWK (RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2).
    pub(super) fn public_members(&self) -> Result<Map<String, Value>, Unspecified> {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match self {
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": base64(&public.n), "e": base64(&public.e) })
            }
            Self::Ecdsa(pair) => {
                let point = pair.public_key().as_ref();
                let point = point.strip_prefix(&[UNCOMPRESSED]).ok_or(Unspecified)?;
                let (x, y) = point.split_at_checked(32).ok_or(Unspecified)?;
                json!({ "kty": "EC", "crv": "P-256", "x": base64(x), "y": base64(y) })
            }
            Self::Ed(pair) => {
                let x = base64(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
        };
        match members {
            Value::Object(members) => Ok(members),
            _ => Err(Unspecified),
        }
    }

    /// Signs a message (RFC 7518 §3.3, §3.4, RFC 8037 §3.1).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Self::Ecdsa(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Ed(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_round_trips_through_its_stored_form() {
        for algorithm in Algorithm::ALL {
            let key = PrivateKey::generate(algorithm).expect("a key");
            let pkcs8 = key.to_pkcs8().expect("its form");
            let again = PrivateKey::parse(algorithm, &pkcs8).expect("the key");
            assert_eq!(key.public_members(), again.public_members());
            assert!(PrivateKey::parse(algorithm, b"something else").is_none());
            assert_eq!(format!("{key:?}"), "PrivateKey(redacted)");
        }
    }

    #[test]
    fn public_members_contain_nothing_private() {
        let names = |algorithm| {
            let key = PrivateKey::generate(algorithm).expect("a key");
            let members = key.public_members().expect("members");
            members
                .keys()
                .cloned()
                .collect::<std::collections::BTreeSet<_>>()
        };
        let only = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        assert_eq!(names(Algorithm::RS256), only(&["e", "kty", "n"]));
        assert_eq!(names(Algorithm::ES256), only(&["crv", "kty", "x", "y"]));
        assert_eq!(names(Algorithm::EdDSA), only(&["crv", "kty", "x"]));
    }
}
