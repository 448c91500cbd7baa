//! Authenticators that Chromium plays itself, below the same code that talks to real ones.

use serde_json::{Value, json};

use super::Page;

/// What kind of authenticator to plug in. The default is a platform authenticator of a willing user, device bound.
///
/// It makes at most three discoverable credentials; `add_credential` takes more. A page has one `internal`
/// authenticator, which stays over redirects.
#[derive(Clone)]
pub struct AuthenticatorOptions {
    /// `internal`, `usb`, `nfc`, `ble` or `hybrid`.
    pub transport: String,
    /// Whether the user is verified whenever that is asked for.
    pub is_user_verified: bool,
    /// Whether the user touches it at once; otherwise requests stay pending.
    pub automatic_presence_simulation: bool,
    /// The backup-eligible flag of new credentials.
    pub default_backup_eligibility: bool,
    /// The backup-state flag of new credentials.
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

/// Names an authenticator of a page.
#[derive(Clone)]
pub struct AuthenticatorId(String);

impl Page {
    /// Plugs in an authenticator for this page.
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

    /// Unplugs it with all its credentials.
    pub fn remove_authenticator(&self, authenticator: &AuthenticatorId) {
        self.authenticator_call(
            "WebAuthn.removeVirtualAuthenticator",
            authenticator,
            json!({}),
        );
    }

    /// Its credentials as DevTools describes them: `credentialId` in base64 (not base64url), `privateKey`,
    /// `signCount`, `rpId`, `userHandle`, …
    pub fn credentials(&self, authenticator: &AuthenticatorId) -> Vec<Value> {
        let answer = self.authenticator_call("WebAuthn.getCredentials", authenticator, json!({}));
        answer["credentials"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Puts a credential in, as [`Page::credentials`] describes one: with a smaller `signCount` it is a clone.
    pub fn add_credential(&self, authenticator: &AuthenticatorId, credential: &Value) {
        self.authenticator_call(
            "WebAuthn.addCredential",
            authenticator,
            json!({"credential": credential}),
        );
    }

    /// Takes a credential out, by its `credentialId`.
    pub fn remove_credential(&self, authenticator: &AuthenticatorId, credential_id: &str) {
        self.authenticator_call(
            "WebAuthn.removeCredential",
            authenticator,
            json!({"credentialId": credential_id}),
        );
    }

    /// Decides whether the user is verified from now on.
    pub fn set_user_verified(&self, authenticator: &AuthenticatorId, is_user_verified: bool) {
        let params = json!({"isUserVerified": is_user_verified});
        self.authenticator_call("WebAuthn.setUserVerified", authenticator, params);
    }

    /// Decides whether the user touches it from now on.
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
