//! Passkeys with their revisions, and their representation in the API.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::authenticators;
use super::queries::Passkey;
use crate::base::clock::Timestamp;
use crate::base::ids::PasskeyId;
use crate::history::Revision;

/// Maximum number of valid passkeys of a user.
pub(super) const MAX_PASSKEYS: usize = 30;

/// A passkey as its owner and administrators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PasskeyView {
    /// ID of the passkey.
    #[schema(value_type = Uuid)]
    pub id: PasskeyId,
    /// Name that its owner chose.
    pub name: String,
    /// Name of the provider or the authenticator model, if known.
    pub provider: Option<&'static str>,
    /// AAGUID: the model of the authenticator, or the provider.
    pub aaguid: Uuid,
    /// Whether its provider copies it to other devices; otherwise it is on one device only.
    pub synced: bool,
    /// Transports by which browsers reach the passkey.
    pub transports: Vec<String>,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its owner last authenticated with it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// Time of revocation; `null`: not revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// Reason of the revocation.
    pub revoked_reason: Option<String>,
    /// Version, counted from 1.
    pub version: i64,
}

impl From<Passkey> for PasskeyView {
    fn from(passkey: Passkey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name,
            provider: authenticators::provider(passkey.aaguid),
            aaguid: passkey.aaguid,
            synced: passkey.backup_eligible,
            transports: passkey.transports,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            revoked_at: passkey.revoked_at,
            revoked_reason: passkey.revoked_reason,
            version: passkey.version,
        }
    }
}

impl Passkey {
    /// Whether it is valid, that is, not revoked.
    pub fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// This version as a revision for the history.
    pub(super) fn revision(&self) -> Revision {
        Revision {
            entity: "passkey",
            entity_id: self.id.uuid(),
            version: self.version,
            as_of: self.as_of,
            data: self.revision_data(),
        }
    }

    /// The data of its revision, which contains no secrets and no traces of use.
    fn revision_data(&self) -> Value {
        json!({
            "user": self.user,
            "name": self.name,
            "aaguid": self.aaguid,
            "transports": self.transports,
            "backup_eligible": self.backup_eligible,
            "enrolled_session": self.enrolled_session,
            "enrolled_passkey": self.enrolled_passkey,
            "created_at": self.created_at,
            "revoked_at": self.revoked_at,
            "revoked_reason": self.revoked_reason,
        })
    }
}
