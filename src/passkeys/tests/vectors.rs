//! Checks the W3C's test vectors (WebAuthn Level 3 §16) against Doorward's rules: which half is accepted, and the reason
//! for each refusal.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::base::clock::Timestamp;
use crate::base::config::Origin;
use crate::base::ids::{PasskeyId, UserId};
use crate::passkeys::assertion::AssertionError;
use crate::passkeys::attestation::NewCredential;
use crate::passkeys::queries::Passkey;
use crate::passkeys::relying_party::RelyingParty;

const VECTORS: &str = include_str!("../../../tests/vectors/webauthn-level-3.json");

/// Vector, result of the registration, result of the authentication: `ok` or the reason for the refusal. The authentication is
/// verified with the credential of a registration that required no user verification, so that each half has its own result. `-`:
/// such a credential can't be registered, whatever the policy.
///
/// `UserNotVerified`: the vector's flags lack user verification. `cross-origin`: created in another origin's frame. The others are
/// keys or attestations that the library always refuses: ES512, a 1024-bit RSA key, `EdDSA` (its user verification is checked
/// first), a TPM key of a curve that it does not map, a certificate of a kind that it does not parse.
const EXPECTED_RESULTS: [(&str, &str, &str); 15] = [
    ("none-es256", "UserNotVerified", "UserNotVerified"),
    ("packed-self-es256", "ok", "UserNotVerified"),
    ("none-es256-crossOrigin", "cross-origin", "-"),
    ("none-es256-topOrigin", "cross-origin", "-"),
    ("none-es256-long-credential-id", "UserNotVerified", "ok"),
    ("packed-es256", "ok", "ok"),
    ("packed-es384", "UserNotVerified", "ok"),
    ("packed-es512", "CredentialAlteredAlgFromRequest", "-"),
    ("packed-rs256", "COSEKeyRSANEInvalid", "-"),
    ("packed-eddsa", "UserNotVerified", "-"),
    ("packed-ed448", "UserNotVerified", "-"),
    ("tpm-es256", "COSEKeyInvalidType", "-"),
    ("android-key-es256", "AttestationStatementX5CInvalid", "-"),
    ("apple-es256", "UserNotVerified", "UserNotVerified"),
    ("fido-u2f-es256", "UserNotVerified", "UserNotVerified"),
];

fn bytes(value: &Value) -> Vec<u8> {
    let hex = value.as_str().expect("hexadecimal");
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("a byte"))
        .collect()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(bytes(value))
}

fn party(vectors: &Value) -> RelyingParty {
    let origin = vectors["origin"].as_str().expect("an origin");
    let id = vectors["rpId"].as_str().expect("a name");
    let origins = vec![Origin::parse(origin).expect("an origin")];
    RelyingParty::new(id, "Vectors", origins, Duration::from_secs(300)).expect("a party")
}

/// Puts the vector's challenge, and a laxer policy if given, into a state that the library created.
fn registration_state(
    party: &RelyingParty,
    user: UserId,
    challenge: &Value,
    policy: Option<&str>,
) -> PasskeyRegistration {
    let (_, state) = party
        .creation_options(user, "ada", "Ada", Vec::new())
        .expect("options");
    let mut state = serde_json::to_value(state).expect("a state");
    state["rs"]["challenge"] = encoded(challenge).into();
    if let Some(policy) = policy {
        state["rs"]["policy"] = policy.into();
    }
    serde_json::from_value(state).expect("a state")
}

fn authentication_state(party: &RelyingParty, challenge: &Value) -> DiscoverableAuthentication {
    let (_, state) = party.request_options().expect("options");
    let mut state = serde_json::to_value(state).expect("a state");
    state["ast"]["challenge"] = encoded(challenge).into();
    serde_json::from_value(state).expect("a state")
}

fn register(
    party: &RelyingParty,
    user: UserId,
    vector: &Value,
    policy: Option<&str>,
) -> Result<NewCredential, String> {
    let half = &vector["registration"];
    let credential = json!({
        "id": encoded(&half["credential_id"]),
        "rawId": encoded(&half["credential_id"]),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": encoded(&half["clientDataJSON"]),
            "attestationObject": encoded(&half["attestationObject"]),
        },
    });
    let state = registration_state(party, user, &half["challenge"], policy);
    party
        .verify_creation(credential, &state)
        .map_err(|refused| refused.0)
}

fn authenticate(
    party: &RelyingParty,
    user: UserId,
    vector: &Value,
    stored: NewCredential,
) -> Result<(), AssertionError> {
    let half = &vector["authentication"];
    let credential_id = encoded(&vector["registration"]["credential_id"]);
    let credential = json!({
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": encoded(&half["clientDataJSON"]),
            "authenticatorData": encoded(&half["authenticatorData"]),
            "signature": encoded(&half["signature"]),
            "userHandle": URL_SAFE_NO_PAD.encode(user.uuid().as_bytes()),
        },
    });
    let state = authentication_state(party, &half["challenge"]);
    let assertion = party.read_assertion(credential)?;
    party
        .verify_assertion(&assertion, &state, passkey(user, stored))
        .map(drop)
}

fn passkey(user: UserId, new: NewCredential) -> Passkey {
    let credential = webauthn_rs::prelude::Credential::from(new.passkey);
    Passkey {
        id: PasskeyId::random(),
        user,
        credential_id: credential.cred_id.clone(),
        name: "Vector".into(),
        aaguid: new.aaguid,
        transports: new.transports,
        sign_count: i64::from(credential.counter),
        backup_eligible: credential.backup_eligible,
        backup_state: credential.backup_state,
        credential,
        enrolled_session: None,
        enrolled_passkey: None,
        created_at: Timestamp::from_micros(0),
        last_used_at: None,
        revoked_at: None,
        revoked_reason: None,
        version: 1,
        as_of: Timestamp::from_micros(0),
    }
}

#[test]
fn the_specifications_test_vectors_have_the_expected_results() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("vectors");
    let party = party(&vectors);
    let user = UserId::random();
    let mut verdicts = Vec::new();
    for vector in vectors["vectors"].as_array().expect("a list") {
        let name = vector["name"].as_str().expect("a name");
        let registered = match register(&party, user, vector, None) {
            Ok(new) => {
                assert_eq!(
                    new.aaguid.as_bytes().to_vec(),
                    bytes(&vector["registration"]["aaguid"]),
                    "{name}"
                );
                "ok".to_owned()
            }
            Err(reason) => reason,
        };
        let authenticated = match register(&party, user, vector, Some("discouraged")) {
            Err(_) => "-".to_owned(),
            Ok(stored) => match authenticate(&party, user, vector, stored) {
                Ok(()) => "ok".to_owned(),
                Err(fault) => fault.to_string(),
            },
        };
        verdicts.push((name.to_owned(), registered, authenticated));
    }
    let expected: Vec<(String, String, String)> = EXPECTED_RESULTS
        .iter()
        .map(|(name, first, second)| {
            (
                (*name).to_owned(),
                (*first).to_owned(),
                (*second).to_owned(),
            )
        })
        .collect();
    assert_eq!(verdicts, expected);
}
