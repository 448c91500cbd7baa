//! The byte strings of a WebAuthn ceremony: client data, authenticator data, attested credential data.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::cbor::Cbor;
use super::overrides::{CrossOrigin, Overrides};

/// COSE identifier of ES256, the only supported algorithm.
pub const ES256: i64 = -7;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKUP_STATE: u8 = 0x10;
const ATTESTED_CREDENTIAL: u8 = 0x40;

/// State of a credential that authenticator data contains.
pub struct SigningState<'state> {
    /// ID of the RP that the credential belongs to.
    pub rp_id: &'state str,
    /// Whether the credential is backup eligible and backed up.
    pub is_synced: bool,
    /// Signature counter.
    pub counter: u32,
}

/// Returns `CollectedClientData` as JSON (WebAuthn Level 3 §5.8.1) for a page of `origin`.
pub fn client_data(
    ceremony: &str,
    challenge: &Value,
    origin: &str,
    overrides: &Overrides,
) -> Vec<u8> {
    let challenge = challenge.as_str().expect("a challenge");
    let mut members = Map::new();
    let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
    say(
        "type",
        overrides
            .client_data_type
            .as_deref()
            .unwrap_or(ceremony)
            .into(),
    );
    say(
        "challenge",
        overrides.challenge.as_deref().unwrap_or(challenge).into(),
    );
    say(
        "origin",
        overrides.origin.as_deref().unwrap_or(origin).into(),
    );
    match overrides.cross_origin {
        CrossOrigin::False => _ = say("crossOrigin", false.into()),
        CrossOrigin::True => _ = say("crossOrigin", true.into()),
        CrossOrigin::Absent => {}
    }
    if let Some(origin) = &overrides.top_origin {
        say("topOrigin", origin.as_str().into());
    }
    if overrides.padding > 0 {
        say("padding", "x".repeat(overrides.padding).into());
    }
    members.extend(overrides.extra_client_data.clone());
    Value::Object(members).to_string().into_bytes()
}

/// Returns authenticator data (§6.1): hash of the RP ID, flags, counter, and at registration the attested credential.
pub fn authenticator_data(
    state: &SigningState,
    attested: Option<&[u8]>,
    overrides: &Overrides,
) -> Vec<u8> {
    let mut flags = 0;
    for (flag, is_set) in [
        (USER_PRESENT, !overrides.without_user_presence),
        (USER_VERIFIED, !overrides.without_user_verification),
        (
            BACKUP_ELIGIBLE,
            overrides.backup_eligible.unwrap_or(state.is_synced),
        ),
        (
            BACKUP_STATE,
            overrides.backup_state.unwrap_or(state.is_synced),
        ),
        (ATTESTED_CREDENTIAL, attested.is_some()),
    ] {
        flags |= if is_set { flag } else { 0 };
    }
    let own_hash = digest(&SHA256, state.rp_id.as_bytes());
    let rp_id_hash = overrides
        .rp_id_hash
        .as_ref()
        .map_or(own_hash.as_ref(), |hash| hash);
    let counter = overrides.counter.unwrap_or(state.counter).to_be_bytes();
    let attested = attested.unwrap_or_default();
    [
        rp_id_hash,
        &[flags],
        &counter,
        attested,
        &overrides.leftover,
    ]
    .concat()
}

/// Returns attested credential data (§6.5.1): AAGUID, credential ID, COSE key.
pub fn attested_credential(aaguid: &[u8; 16], id: &[u8], key: &EcdsaKeyPair) -> Vec<u8> {
    let id_length = u16::try_from(id.len()).expect("a credential id of at most 65535 bytes");
    // SEC 1 §2.3.3: 0x04, then both coordinates.
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let cose = Cbor::default()
        .map(5)
        .integer(1)
        .integer(2)
        .integer(3)
        .integer(ES256);
    let cose = cose
        .integer(-1)
        .integer(1)
        .integer(-2)
        .bytes(x)
        .integer(-3)
        .bytes(y);
    [
        aaguid.as_slice(),
        &id_length.to_be_bytes(),
        id,
        &cose.finish(),
    ]
    .concat()
}

/// Encodes bytes as in WebAuthn's JSON: unpadded base64url.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes a JSON string; panics if it is not base64url.
pub fn from_base64url(value: &Value) -> Vec<u8> {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("no base64url text: {value}"));
    URL_SAFE_NO_PAD
        .decode(text)
        .unwrap_or_else(|error| panic!("no base64url ({error}): {text}"))
}
