//! Deviations of a [`super::SoftAuthenticator`] from what an honest browser would send.

use serde_json::{Map, Value};

/// Overrides for one ceremony. The default overrides nothing: `Overrides { origin:
/// Some("https://evil.example".into()), ..Overrides::default() }`.
#[derive(Clone, Default)]
pub struct Overrides {
    /// `origin` in the client data.
    pub origin: Option<String>,
    /// `challenge` in the client data, exactly as it appears there.
    pub challenge: Option<String>,
    /// `type` in the client data.
    pub client_data_type: Option<String>,
    /// `crossOrigin` in the client data.
    pub cross_origin: CrossOrigin,
    /// `topOrigin` in the client data; absent by default.
    pub top_origin: Option<String>,
    /// Further members of the client data; they override all of the above.
    pub extra_client_data: Map<String, Value>,
    /// Number of extra bytes in an unknown member of the client data.
    pub padding: usize,
    /// SHA-256 of the RP ID in the authenticator data.
    pub rp_id_hash: Option<[u8; 32]>,
    /// Clears the user-present flag.
    pub without_user_presence: bool,
    /// Clears the user-verified flag.
    pub without_user_verification: bool,
    /// Value of the backup-eligible flag.
    pub backup_eligible: Option<bool>,
    /// Value of the backup-state flag.
    pub backup_state: Option<bool>,
    /// Signature counter of this response only; the authenticator's own counter is unaffected.
    pub counter: Option<u32>,
    /// Credential ID in the response. At registration the new credential is stored under it.
    pub credential_id: Option<Vec<u8>>,
    /// Extra bytes after the authenticator data, covered by the signature.
    pub leftover: Vec<u8>,
    /// `id` of the credential, if it differs from `rawId`.
    pub id: Option<String>,
    /// `type` of the credential.
    pub credential_type: Option<String>,
    /// `clientExtensionResults`, regardless of the requested extensions.
    pub client_extensions: Option<Value>,
    /// Registration: adds a member to the attestation statement, although the format is `none`.
    pub statement_of_none: bool,
    /// Registration: the extension output `credProps` in `clientExtensionResults`.
    pub credential_properties: CredentialProperties,
    /// Registration: the list of transports.
    pub transports: Option<Vec<String>>,
    /// Assertion: the user handle.
    pub user_handle: UserHandle,
    /// Assertion: sends a well-formed but wrong signature.
    pub tampered_signature: bool,
}

/// The member `crossOrigin` of the client data.
#[derive(Clone, Copy, Default)]
pub enum CrossOrigin {
    /// `false`, as browsers send from a top-level page.
    #[default]
    False,
    /// `true`, as from a cross-origin frame.
    True,
    /// The member is absent.
    Absent,
}

/// The extension output `credProps`.
#[derive(Clone, Copy, Default)]
pub enum CredentialProperties {
    /// `{rk: true}` if the options request it, otherwise absent, as in browsers.
    #[default]
    AsAsked,
    /// `{rk: false}`.
    NotDiscoverable,
    /// The output is absent.
    Absent,
}

/// The user handle of an assertion.
#[derive(Clone, Default)]
pub enum UserHandle {
    /// The user handle that the credential was created for.
    #[default]
    Own,
    /// The member is absent.
    Absent,
    /// Another user's handle.
    Other(Vec<u8>),
}
