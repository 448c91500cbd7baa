//! The WebAuthn part of a registration: creates options that require a discoverable credential with user verification, and
//! verifies the response.

use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{CredentialID, PasskeyRegistration, RegisterPublicKeyCredential};
use webauthn_rs_proto::ResidentKeyRequirement;

use super::relying_party::RelyingParty;
use super::well_formed::FormatError;
use super::{client_data, well_formed};
use crate::base::ids::UserId;

/// Why a new credential is refused, as a reason code for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct CredentialRefused(pub(super) String);

impl From<FormatError> for CredentialRefused {
    fn from(fault: FormatError) -> Self {
        Self(fault.to_string())
    }
}

/// A verified new credential.
#[derive(Debug)]
pub(super) struct NewCredential {
    pub(super) passkey: webauthn_rs::prelude::Passkey,
    pub(super) aaguid: Uuid,
    pub(super) transports: Vec<String>,
}

/// The transports that WebAuthn Level 3 §5.8.4 defines; others are dropped.
const TRANSPORTS: [&str; 6] = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];

impl RelyingParty {
    /// Creates the options for `navigator.credentials.create`, and the state that the response is verified with.
    pub(super) fn creation_options(
        &self,
        user: UserId,
        username: &str,
        display_name: &str,
        excluded_credentials: Vec<CredentialID>,
    ) -> Result<(Value, PasskeyRegistration), CredentialRefused> {
        let (mut options, state) = self
            .webauthn
            .start_passkey_registration(
                user.uuid(),
                username,
                display_name,
                Some(excluded_credentials),
            )
            .map_err(|error| CredentialRefused(error.to_string()))?;
        // Stricter than the library's default: sign-in needs a discoverable credential.
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        let options = serde_json::to_value(options.public_key)
            .map_err(|error| CredentialRefused(error.to_string()))?;
        Ok((options, state))
    }

    /// Verifies the response of `navigator.credentials.create`.
    pub(super) fn verify_creation(
        &self,
        mut credential: Value,
        state: &PasskeyRegistration,
    ) -> Result<NewCredential, CredentialRefused> {
        let refused = |reason: &str| CredentialRefused(reason.to_owned());
        let transports = take_transports(&mut credential);
        // WebAuthn Level 3 §10.1.3: `rk: false` says that the authenticator created no discoverable credential.
        let resident_key = credential.pointer("/clientExtensionResults/credProps/rk");
        if resident_key == Some(&Value::Bool(false)) {
            return Err(refused("not-discoverable"));
        }
        let credential_id = well_formed::take_credential_id(&mut credential)?;
        let credential: RegisterPublicKeyCredential =
            serde_json::from_value(credential).map_err(|_| refused("malformed"))?;
        client_data::check(&credential.response.client_data_json, &self.origins)?;
        let attested =
            well_formed::read_attestation_object(&credential.response.attestation_object)?;
        if attested.credential_id != credential_id {
            return Err(refused("other-credential-id"));
        }
        let passkey = self
            .webauthn
            .finish_passkey_registration(&credential, state)
            .map_err(|error| refused(&format!("{error:?}")))?;
        Ok(NewCredential {
            passkey,
            aaguid: attested.aaguid,
            transports,
        })
    }
}

fn take_transports(credential: &mut Value) -> Vec<String> {
    let response = credential
        .get_mut("response")
        .and_then(Value::as_object_mut);
    let given = response.and_then(|response| response.remove("transports"));
    let mut transports: Vec<String> = given
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|transport| TRANSPORTS.contains(transport))
        .map(str::to_owned)
        .collect();
    transports.sort_unstable();
    transports.dedup();
    transports
}
