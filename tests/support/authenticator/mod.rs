//! A WebAuthn authenticator with the browser around it: answers creation and request options with the JSON of
//! `PublicKeyCredential.toJSON()`, either correctly or with [`Overrides`].

mod cbor;
mod ceremony_bytes;
mod overrides;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use cbor::Cbor;
use ceremony_bytes::{
    ES256, SigningState, attested_credential, authenticator_data, base64url, client_data,
    from_base64url,
};
pub use overrides::{CredentialProperties, CrossOrigin, Overrides, UserHandle};

/// Where an authenticator stores its credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In a synced account: backed up, and the counter is always 0.
    Synced,
    /// In one device: never backed up, and the counter increases.
    DeviceBound,
}

/// An authenticator that verifies its user and creates discoverable credentials with attestation `none`.
///
/// It ignores `excludeCredentials`. A clone has the same keys, as if the device had been cloned.
#[derive(Clone)]
pub struct SoftAuthenticator {
    /// AAGUID of the model; all zeros if undisclosed.
    pub aaguid: [u8; 16],
    /// Determines the backup flags, the counter and the transports.
    pub storage: Storage,
    /// Origin of the page on which it is used.
    pub origin: String,
    credentials: Vec<Credential>,
}

#[derive(Clone)]
struct Credential {
    id: Vec<u8>,
    rp_id: String,
    user_handle: Vec<u8>,
    key: Arc<EcdsaKeyPair>,
    counter: u32,
}

impl SoftAuthenticator {
    /// A password manager or platform account, used on pages of `origin`.
    pub fn synced(origin: &str) -> Self {
        Self::new(origin, Storage::Synced)
    }

    /// A security key, used on pages of `origin`.
    pub fn device_bound(origin: &str) -> Self {
        Self::new(origin, Storage::DeviceBound)
    }

    fn new(origin: &str, storage: Storage) -> Self {
        Self {
            aaguid: [0; 16],
            storage,
            origin: origin.to_owned(),
            credentials: Vec::new(),
        }
    }

    /// Returns the IDs of its credentials in base64url, oldest first.
    pub fn credential_ids(&self) -> Vec<String> {
        self.credentials
            .iter()
            .map(|credential| base64url(&credential.id))
            .collect()
    }

    /// Adds a credential that was created elsewhere, for the host of the authenticator's origin.
    pub fn hold(&mut self, id: Vec<u8>, user_handle: Vec<u8>, key: &Arc<EcdsaKeyPair>) {
        self.credentials.push(Credential {
            id,
            rp_id: self.rp_id(&Value::Null),
            user_handle,
            key: key.clone(),
            counter: u32::from(self.storage == Storage::DeviceBound),
        });
    }

    /// Creates a credential: answers `PublicKeyCredentialCreationOptionsJSON` with `RegistrationResponseJSON`.
    pub fn create(&mut self, public_key: &Value, overrides: &Overrides) -> Value {
        let algorithms = public_key["pubKeyCredParams"]
            .as_array()
            .expect("pubKeyCredParams");
        assert!(
            algorithms.iter().any(|offer| offer["alg"] == ES256),
            "ES256 is not asked for: {algorithms:?}"
        );
        let credential = Credential {
            id: overrides.credential_id.clone().unwrap_or_else(random_id),
            rp_id: self.rp_id(&public_key["rp"]["id"]),
            user_handle: from_base64url(&public_key["user"]["id"]),
            key: Arc::new(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair"),
            ),
            counter: u32::from(self.storage == Storage::DeviceBound),
        };
        let challenge = &public_key["challenge"];
        let client_data = client_data("webauthn.create", challenge, &self.origin, overrides);
        let attested = attested_credential(&self.aaguid, &credential.id, &credential.key);
        let authenticator_data =
            authenticator_data(&self.signing_state(&credential), Some(&attested), overrides);
        let statement = Cbor::default().map(3).text("fmt").text("none");
        let statement = statement.text("attStmt");
        let statement = if overrides.statement_of_none {
            statement.map(1).text("alg").integer(ES256)
        } else {
            statement.map(0)
        };
        let attestation_object = statement.text("authData").bytes(&authenticator_data);
        let public_key_der =
            AsDer::<PublicKeyX509Der>::as_der(credential.key.public_key()).expect("a public key");
        let response = json!({
            "clientDataJSON": base64url(&client_data),
            "attestationObject": base64url(&attestation_object.finish()),
            "authenticatorData": base64url(&authenticator_data),
            "publicKey": base64url(public_key_der.as_ref()),
            "publicKeyAlgorithm": ES256,
            "transports": self.transports(overrides),
        });
        let is_asked = public_key["extensions"]["credProps"] == true;
        let extensions = match overrides.credential_properties {
            CredentialProperties::AsAsked if is_asked => json!({"credProps": {"rk": true}}),
            CredentialProperties::NotDiscoverable => json!({"credProps": {"rk": false}}),
            CredentialProperties::AsAsked | CredentialProperties::Absent => json!({}),
        };
        let answer = self.credential_json(&credential.id, response, extensions, overrides);
        self.credentials.push(credential);
        answer
    }

    /// Answers `PublicKeyCredentialRequestOptionsJSON` with `AuthenticationResponseJSON`, signed by the first credential that
    /// `allowCredentials` lists, or the newest for the RP ID. Panics if there is none, where a browser would refuse.
    pub fn get(&mut self, public_key: &Value, overrides: &Overrides) -> Value {
        let credential = self.chosen(public_key);
        let challenge = &public_key["challenge"];
        let client_data = client_data("webauthn.get", challenge, &self.origin, overrides);
        let authenticator_data =
            authenticator_data(&self.signing_state(&credential), None, overrides);
        let signed = [
            authenticator_data.as_slice(),
            digest(&SHA256, &client_data).as_ref(),
        ]
        .concat();
        let signature = credential
            .key
            .sign(&SystemRandom::new(), &signed)
            .expect("a signature");
        let mut signature = signature.as_ref().to_vec();
        if overrides.tampered_signature
            && let Some(last) = signature.last_mut()
        {
            *last ^= 1;
        }
        let mut response = json!({
            "clientDataJSON": base64url(&client_data),
            "authenticatorData": base64url(&authenticator_data),
            "signature": base64url(&signature),
        });
        match &overrides.user_handle {
            UserHandle::Own => response["userHandle"] = base64url(&credential.user_handle).into(),
            UserHandle::Other(handle) => response["userHandle"] = base64url(handle).into(),
            UserHandle::Absent => {}
        }
        let claimed_id = overrides.credential_id.as_ref().unwrap_or(&credential.id);
        self.credential_json(claimed_id, response, json!({}), overrides)
    }

    /// Returns the credential to sign with, after incrementing its counter.
    fn chosen(&mut self, public_key: &Value) -> Credential {
        let rp_id = self.rp_id(&public_key["rpId"]);
        let allowed: Vec<Vec<u8>> = public_key["allowCredentials"]
            .as_array()
            .map(|list| {
                list.iter()
                    .map(|descriptor| from_base64url(&descriptor["id"]))
                    .collect()
            })
            .unwrap_or_default();
        let step = u32::from(self.storage == Storage::DeviceBound);
        let mut suitable = self
            .credentials
            .iter_mut()
            .filter(|credential| credential.rp_id == rp_id);
        let chosen = if allowed.is_empty() {
            suitable.next_back()
        } else {
            suitable.find(|credential| allowed.contains(&credential.id))
        };
        let chosen = chosen.unwrap_or_else(|| panic!("no credential for {public_key}"));
        chosen.counter += step;
        chosen.clone()
    }

    /// Returns the RP ID of the options, or the host of the page, as browsers do.
    fn rp_id(&self, option: &Value) -> String {
        let (_, authority) = self
            .origin
            .split_once("://")
            .expect("an origin with a scheme");
        let host = authority.split(':').next().unwrap_or(authority);
        option.as_str().unwrap_or(host).to_owned()
    }

    fn signing_state<'state>(&self, credential: &'state Credential) -> SigningState<'state> {
        SigningState {
            rp_id: &credential.rp_id,
            is_synced: self.storage == Storage::Synced,
            counter: credential.counter,
        }
    }

    fn transports(&self, overrides: &Overrides) -> Value {
        match (&overrides.transports, self.storage) {
            (Some(list), _) => json!(list),
            (None, Storage::Synced) => json!(["hybrid", "internal"]),
            (None, Storage::DeviceBound) => json!(["nfc", "usb"]),
        }
    }

    fn credential_json(
        &self,
        id: &[u8],
        response: Value,
        extensions: Value,
        overrides: &Overrides,
    ) -> Value {
        let extensions = overrides.client_extensions.clone().unwrap_or(extensions);
        json!({
            "id": overrides.id.clone().unwrap_or_else(|| base64url(id)),
            "rawId": base64url(id),
            "type": overrides.credential_type.as_deref().unwrap_or("public-key"),
            "authenticatorAttachment": match self.storage {
                Storage::Synced => "platform",
                Storage::DeviceBound => "cross-platform",
            },
            "clientExtensionResults": extensions,
            "response": response,
        })
    }
}

fn random_id() -> Vec<u8> {
    let mut id = vec![0; 32];
    rand::fill(&mut id).expect("random bytes");
    id
}
