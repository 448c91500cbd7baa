//! Chromium's virtual authenticators, which are used by the same browser code as real ones.

use serde_json::{Value, json};

use super::Page;

/// Properties of a virtual authenticator. The default is a device-bound platform authenticator whose user consents.
///
/// It creates at most three discoverable credentials; `add_credential` can add more. A page can have one `internal`
/// authenticator, which persists across redirects.
#[derive(Clone)]
pub struct AuthenticatorOptions {
    /// `internal`, `usb`, `nfc`, `ble` or `hybrid`.
    pub transport: String,
    /// Whether user verification succeeds.
    pub is_user_verified: bool,
    /// Whether user presence is simulated immediately; otherwise requests stay pending.
    pub automatic_presence_simulation: bool,
    /// Backup-eligible flag of new credentials.
    pub default_backup_eligibility: bool,
    /// Backup-state flag of new credentials.
    pub default_backup_state: bool,
}

impl Default for AuthenticatorOptions {
    fn default() -> Self {
        Self {
            transport: "internal".to_owned(),
            is_user_verified: true,
            automatic_presence_simulation: true,
            default_backup_eligibility: false,
            default_backup_state: false,
        }
    }
}

/// Identifies an authenticator of a page.
#[derive(Clone)]
pub struct AuthenticatorId(String);

impl Page {
    /// Adds an authenticator to this page.
    pub fn add_authenticator(&self, options: &AuthenticatorOptions) -> AuthenticatorId {
        self.call("WebAuthn.enable", json!({"enableUI": false}));
        let options = json!({
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": options.transport,
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": options.is_user_verified,
            "automaticPresenceSimulation": options.automatic_presence_simulation,
            "defaultBackupEligibility": options.default_backup_eligibility,
            "defaultBackupState": options.default_backup_state,
        });
        let added = self.call(
            "WebAuthn.addVirtualAuthenticator",
            json!({"options": options}),
        );
        AuthenticatorId(
            added["authenticatorId"]
                .as_str()
                .expect("its id")
                .to_owned(),
        )
    }

    /// Removes an authenticator with all its credentials.
    pub fn remove_authenticator(&self, authenticator: &AuthenticatorId) {
        self.authenticator_call(
            "WebAuthn.removeVirtualAuthenticator",
            authenticator,
            json!({}),
        );
    }

    /// Returns the authenticator's credentials as described by DevTools: `credentialId` in base64 (not base64url), `privateKey`,
    /// `signCount`, `rpId`, `userHandle`, …
    pub fn credentials(&self, authenticator: &AuthenticatorId) -> Vec<Value> {
        let answer = self.authenticator_call("WebAuthn.getCredentials", authenticator, json!({}));
        answer["credentials"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Adds a credential, described as by [`Page::credentials`]; with a smaller `signCount` it acts as a clone.
    pub fn add_credential(&self, authenticator: &AuthenticatorId, credential: &Value) {
        self.authenticator_call(
            "WebAuthn.addCredential",
            authenticator,
            json!({"credential": credential}),
        );
    }

    /// Removes a credential by its `credentialId`.
    pub fn remove_credential(&self, authenticator: &AuthenticatorId, credential_id: &str) {
        self.authenticator_call(
            "WebAuthn.removeCredential",
            authenticator,
            json!({"credentialId": credential_id}),
        );
    }

    /// Sets whether user verification succeeds from now on.
    pub fn set_user_verified(&self, authenticator: &AuthenticatorId, is_user_verified: bool) {
        let params = json!({"isUserVerified": is_user_verified});
        self.authenticator_call("WebAuthn.setUserVerified", authenticator, params);
    }

    /// Sets whether user presence is simulated from now on.
    pub fn set_presence_simulation(&self, authenticator: &AuthenticatorId, is_enabled: bool) {
        let params = json!({"enabled": is_enabled});
        self.authenticator_call(
            "WebAuthn.setAutomaticPresenceSimulation",
            authenticator,
            params,
        );
    }

    fn authenticator_call(
        &self,
        method: &str,
        authenticator: &AuthenticatorId,
        mut params: Value,
    ) -> Value {
        params["authenticatorId"] = authenticator.0.as_str().into();
        self.call(method, params)
    }
}
