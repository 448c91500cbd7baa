//! Passkeys made up by the thousand, for measuring: all of one key, which whoever measures may hold, each with an id of its own.

use std::str::FromStr;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use webauthn_rs::prelude::Credential;
use webauthn_rs_core::proto::{
    AttestationFormat, COSEAlgorithm, COSEEC2Key, COSEKey, COSEKeyType, ECDSACurve,
    ParsedAttestation, RegisteredExtensions,
};
use webauthn_rs_proto::UserVerificationPolicy;

use super::passkey::Passkey;
use super::queries;
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, UserId};
use crate::db::{self, Connection};
use crate::history::{self, Author};

/// A public key on P-256.
#[derive(Clone, Debug)]
pub struct PublicKey {
    x: Vec<u8>,
    y: Vec<u8>,
}

impl PublicKey {
    /// One whose private half nobody keeps. `None` when the machine gives no randomness.
    pub fn nobodys() -> Option<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok()?;
        Self::of_point(pair.public_key().as_ref())
    }

    /// SEC 1 §2.3.3: 0x04, then both coordinates.
    fn of_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        (y.len() == 32).then(|| Self {
            x: x.to_vec(),
            y: y.to_vec(),
        })
    }
}

impl FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let point = URL_SAFE_NO_PAD.decode(text).ok();
        point
            .and_then(|point| Self::of_point(&point))
            .ok_or("a public key is an uncompressed point on P-256, 65 bytes in base64url")
    }
}

/// A synced passkey of somebody's, never used.
pub fn passkey(
    (id, user): (PasskeyId, UserId),
    credential_id: Vec<u8>,
    key: &PublicKey,
    at: Timestamp,
) -> Passkey {
    let cred = COSEKey {
        type_: COSEAlgorithm::ES256,
        key: COSEKeyType::EC_EC2(COSEEC2Key {
            curve: ECDSACurve::SECP256R1,
            x: key.x.clone(),
            y: key.y.clone(),
        }),
    };
    let credential = Credential {
        cred_id: credential_id.clone(),
        cred,
        counter: 0,
        transports: None,
        user_verified: true,
        backup_eligible: true,
        backup_state: true,
        registration_policy: UserVerificationPolicy::Required,
        extensions: RegisteredExtensions::none(),
        attestation: ParsedAttestation::default(),
        attestation_format: AttestationFormat::None,
    };
    Passkey {
        id,
        user,
        credential_id,
        credential,
        name: "Seeded passkey".into(),
        aaguid: Uuid::nil(),
        transports: vec!["hybrid".into(), "internal".into()],
        sign_count: 0,
        backup_eligible: true,
        backup_state: true,
        enrolled_session: None,
        enrolled_passkey: None,
        created_at: at,
        last_used_at: None,
        revoked_at: None,
        revoked_reason: None,
        version: 1,
        as_of: at,
    }
}

/// Writes new passkeys with their first revisions.
///
/// # Errors
/// When the database is away, or a credential id is taken.
pub fn insert(conn: &mut Connection, passkeys: &[Passkey], author: &Author) -> db::Result<()> {
    queries::insert_many(conn, passkeys)?;
    history::revise_many(
        conn,
        author,
        passkeys.iter().map(Passkey::revision).collect(),
    )
}
