//! What the grants of the token endpoint (RFC 6749 §3.2) share: the check of the grant type, and the response.

use std::sync::Arc;

use serde::Serialize;

use super::Oidc;
use super::client_authentication::ClientAuthError;
use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::resources::not_this_grant;
use crate::account_state::{AccountState, ChangePending, Unavailable};
use crate::base::ids::SessionId;
use crate::clients::{Client, GrantType, Scope, Scopes};
use crate::db;
use crate::tokens::keys::{SignError, Signer};
use crate::tokens::refresh::RefreshToken;
use crate::tokens::{ConsumedGrant, TokenTarget};
use crate::users::User;

/// A token response (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct TokenResponse {
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Lifetime of the access token, in seconds.
    pub expires_in: u64,
    pub scope: Scopes,
    /// Refresh token, if the client may use them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// ID token, if the scope `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// `sid` of the ID token. Identity brokers read it here to find the session again at back-channel logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_state: Option<SessionId>,
}

/// Why a token request fails.
#[derive(Debug, thiserror::Error)]
pub enum TokenEndpointError {
    #[error(transparent)]
    Client(#[from] ClientAuthError),
    #[error(transparent)]
    Refused(#[from] OAuthError),
    #[error(transparent)]
    Pending(#[from] ChangePending),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It is unknown whether a code or refresh token was used up; repeating the request would count as a replay.
    #[error("the outcome of using the grant is unknown: {0}")]
    CommitUnknown(String),
}

impl TokenEndpointError {
    /// Reports a commit with an unknown outcome as an error that must not be retried, because a retry would count as a replay.
    pub(super) fn without_retry(self) -> Self {
        match self {
            Self::Database(db::Error::CommitUnknown(cause)) => Self::CommitUnknown(cause),
            error => error,
        }
    }
}

/// A consumed grant whose authorization is valid at this moment, with the scopes and the audience of the tokens to issue.
pub(super) struct ValidatedGrant {
    /// The client as it was registered when the grant was consumed.
    pub(super) client: Arc<Client>,
    pub(super) grant: ConsumedGrant,
    pub(super) account_state: AccountState,
    pub(super) user: User,
    pub(super) scopes: Scopes,
    pub(super) target: TokenTarget,
    pub(super) refresh_token: Option<RefreshToken>,
}

impl Oidc {
    /// Issues the tokens of a consumed grant. Reads no store.
    pub(super) fn issue_tokens(
        &self,
        signer: &Signer,
        granted: ValidatedGrant,
    ) -> Result<TokenResponse, TokenEndpointError> {
        let ValidatedGrant {
            client,
            grant,
            account_state,
            user,
            scopes,
            target,
            refresh_token,
        } = granted;
        let access = self.tokens.issue_for_user(
            (&client, signer),
            &grant,
            &account_state,
            &scopes,
            target,
        )?;
        let id_token = scopes
            .contains(Scope::OpenId)
            .then(|| self.issue_id_token((&client, signer), &grant, &user, &scopes, &access.text))
            .transpose()?;
        Ok(TokenResponse {
            access_token: access.text,
            token_type: "Bearer",
            expires_in: access.lifetime.as_secs(),
            scope: scopes,
            refresh_token: refresh_token.map(|token| self.tokens.refresh_tokens.write(token)),
            session_state: id_token.is_some().then_some(grant.authorization().sid),
            id_token,
        })
    }
}

/// Checks that a client is registered for a grant type.
pub(super) fn check_grant_type(client: &Client, grant: GrantType) -> Result<(), OAuthError> {
    if client.metadata.allows(grant) {
        return Ok(());
    }
    Err(not_this_grant(client, grant))
}

/// Reads the parameter `grant_type`.
pub fn read_grant_type(parameters: &Parameters) -> Result<GrantType, OAuthError> {
    let text = parameters
        .get("grant_type")
        .ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
    GrantType::ALL
        .into_iter()
        .find(|known| known.as_str() == text)
        .ok_or_else(|| {
            OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code, refresh_token or client_credentials",
            )
        })
}
