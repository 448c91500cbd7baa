//! A client, and the record by which its requests and tokens are checked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::secret::StoredSecret;
use super::{ClientSecret, Metadata, Scopes};
use crate::account_state::AccountState;
use crate::base::clock::Timestamp;
use crate::base::ids::{AccessTokenId, ClientId};
use crate::base::public_client_id::PublicClientId;
use crate::base::seal::Sealer;

/// A registered client, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Client {
    /// The `client_id`: a UUID, or the text that an administrator chose.
    #[serde(rename = "client_id")]
    #[schema(value_type = String)]
    pub public_id: PublicClientId,
    /// The UUID under which audit events and versions name it; equals `client_id` unless that was chosen.
    #[schema(value_type = uuid::Uuid)]
    pub id: ClientId,
    /// Display name of the client.
    #[serde(rename = "client_name")]
    pub name: String,
    /// Scopes that it may request.
    #[serde(rename = "scope")]
    #[schema(value_type = String)]
    pub scopes: Scopes,
    /// The other registered metadata.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// Whether it may send requests; a disabled client may not.
    pub enabled: bool,
    /// The client that registered it; `null` if an administrator or the command did.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub registered_by_client: Option<ClientId>,
    /// Incremented by every change that gives the client more access or lets more parties receive its data: users who consented
    /// before must consent again.
    #[serde(default)]
    pub consent_epoch: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Version, counted from 1.
    pub version: i64,
    /// When this version was stored.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

impl Client {
    /// Whether the user may use the client: it is open to all users, or the user has one of its allowed roles.
    pub fn allows_user(&self, account: &AccountState) -> bool {
        let allowed = &self.metadata.allowed_roles;
        allowed.is_empty() || account.roles.iter().any(|role| allowed.contains(role))
    }
}

/// An access token that a client got on its own behalf and that was revoked before its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedToken {
    /// The token's `jti`.
    pub id: AccessTokenId,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Everything that requests and tokens of a client are checked against, at one state version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRecord {
    /// The client; shared, because the record is cloned for every request and its client never changes.
    pub client: Arc<Client>,
    /// Stored form of the secret as text (see `StoredSecret`); `None` for a public client.
    pub secret_hash: Option<String>,
    /// Incremented to invalidate all tokens that the client got on its own behalf.
    pub token_epoch: i64,
    /// Incremented to invalidate all authorizations that users granted to the client.
    pub user_authorizations_epoch: i64,
    /// The client's own tokens that were revoked individually.
    pub revoked_tokens: Vec<RevokedToken>,
    /// State version of the record, incremented by every change.
    pub state_version: i64,
}

impl ClientRecord {
    /// Whether the presented secret is the client's (compared in constant time).
    pub(super) fn has_secret(&self, presented: &ClientSecret, sealer: &Sealer) -> bool {
        let stored = self
            .secret_hash
            .as_deref()
            .and_then(StoredSecret::from_text);
        match stored.map(|stored| stored.open(self.client.id, sealer)) {
            Some(Ok(hash)) => presented.matches(hash),
            Some(Err(error)) => {
                tracing::error!(%error, client_id = %self.client.id, "a chosen client secret can't be compared");
                false
            }
            None => false,
        }
    }

    /// Whether a client that authenticated under the record `earlier` would still be authenticated: it is enabled, has the same
    /// secret and accepts every method that it accepted then.
    pub fn is_still_authenticated(&self, earlier: &Self) -> bool {
        let method = |record: &Self| record.client.metadata.token_endpoint_auth_method;
        let accepts_either = |record: &Self| record.client.metadata.accepts_either_secret_method;
        self.client.enabled
            && self.secret_hash == earlier.secret_hash
            && method(self) == method(earlier)
            && (accepts_either(self) || !accepts_either(earlier))
    }

    /// Whether the client has not revoked this token, which it got on its own behalf under this token epoch.
    pub fn is_own_token_valid(&self, token: AccessTokenId, epoch: i64) -> bool {
        epoch == self.token_epoch
            && !self
                .revoked_tokens
                .iter()
                .any(|revoked| revoked.id == token)
    }
}
