//! Lies for [`super::SoftAuthenticator`] to tell, in place of what an honest browser would say.

use serde_json::{Map, Value};

/// What to say otherwise in one ceremony. The default is honest in everything:
/// `Overrides { origin: Some("https://evil.example".into()), ..Overrides::default() }`.
#[derive(Clone, Default)]
pub struct Overrides {
    /// `origin` of the client data.
    pub origin: Option<String>,
    /// `challenge` of the client data, as the text that appears there.
    pub challenge: Option<String>,
    /// `type` of the client data.
    pub client_data_type: Option<String>,
    /// `crossOrigin` of the client data.
    pub cross_origin: CrossOrigin,
    /// `topOrigin` of the client data, which is absent otherwise.
    pub top_origin: Option<String>,
    /// Further members of the client data; they win over all of the above.
    pub extra_client_data: Map<String, Value>,
    /// So many bytes more, in an unknown member of the client data.
    pub padding: usize,
    /// The SHA-256 of the RP id in the authenticator data.
    pub rp_id_hash: Option<[u8; 32]>,
    /// Leaves the user-present flag out.
    pub without_user_presence: bool,
    /// Leaves the user-verified flag out.
    pub without_user_verification: bool,
    /// The backup-eligible flag.
    pub backup_eligible: Option<bool>,
    /// The backup-state flag.
    pub backup_state: Option<bool>,
    /// The signature counter of this answer alone; the authenticator goes on counting from its own.
    pub counter: Option<u32>,
    /// The credential id to claim. At registration the new credential keeps it.
    pub credential_id: Option<Vec<u8>>,
    /// Bytes after the authenticator data, signed with it.
    pub leftover: Vec<u8>,
    /// `id` of the credential, where it is not `rawId`.
    pub id: Option<String>,
    /// `type` of the credential.
    pub credential_type: Option<String>,
    /// `clientExtensionResults`, whatever was asked for.
    pub client_extensions: Option<Value>,
    /// Registration: an attestation statement with a member, though the format is `none`.
    pub statement_of_none: bool,
    /// Registration: what `clientExtensionResults` says about a discoverable credential.
    pub credential_properties: CredentialProperties,
    /// Registration: the list of transports.
    pub transports: Option<Vec<String>>,
    /// Assertion: the user handle.
    pub user_handle: UserHandle,
    /// Assertion: a signature that is well formed and wrong.
    pub tampered_signature: bool,
}

/// The member `crossOrigin` of the client data.
#[derive(Clone, Copy, Default)]
pub enum CrossOrigin {
    /// `false`, as browsers send it from a page of its own.
    #[default]
    False,
    /// `true`, as from a frame of a foreign page.
    True,
    /// No such member.
    Absent,
}

/// The extension output `credProps`.
#[derive(Clone, Copy, Default)]
pub enum CredentialProperties {
    /// `{rk: true}` if the options ask for it, otherwise nothing, as browsers do.
    #[default]
    AsAsked,
    /// `{rk: false}`.
    NotDiscoverable,
    /// No such output.
    Absent,
}

/// The user handle of an assertion.
#[derive(Clone, Default)]
pub enum UserHandle {
    /// The one that the credential was made for.
    #[default]
    Own,
    /// No such member.
    Absent,
    /// Somebody else's.
    Other(Vec<u8>),
}
