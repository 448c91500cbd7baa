//! A ring of one key that is the same in every run, with its private half: for the fuzz targets (`fuzz/`) alone.

use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::genuine::Genuine;
use super::key::SigningKey;
use super::make::PrivateKey;
use super::ring::{Record, Ring};
use crate::base::clock::Timestamp;
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;

/// The `kid` of the key.
const KID: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

/// The key.
#[derive(Debug)]
pub struct FixedKey {
    /// What verifies.
    pub ring: Ring,
    private: PrivateKey,
}

impl FixedKey {
    /// Makes it; its halves are new in each run, its id is not.
    ///
    /// # Errors
    /// When the library makes no key.
    pub fn make() -> Result<Self, Unspecified> {
        let private = PrivateKey::generate(Algorithm::EdDSA)?;
        let now = Timestamp::from_micros(0);
        let key = SigningKey {
            id: SigningKeyId::from_uuid(KID),
            algorithm: Algorithm::EdDSA,
            generation: 1,
            public: private.public_members()?,
            published_at: now,
            signs_from: now,
            retires_at: None,
            compromised_at: None,
            created_at: now,
            version: 1,
            as_of: now,
        };
        Ok(Self {
            ring: Ring::new(Record::of(1, &[key]), Genuine::default()),
            private,
        })
    }

    /// A genuine token whose payload is these very bytes, JSON or not.
    ///
    /// # Errors
    /// When the library does not sign.
    pub fn sign(&self, typ: &str, payload: &[u8]) -> Result<String, Unspecified> {
        let header = format!("{{\"alg\":\"EdDSA\",\"kid\":\"{KID}\",\"typ\":\"{typ}\"}}");
        let message = [header.as_bytes(), payload].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = message.join(".");
        let signature = self.private.sign(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
