//! The token endpoint (RFC 6749 §3.2): a pipeline that checks the grant type, runs the grant's own rules, and issues the tokens.

use std::sync::Arc;

use serde::Serialize;

use super::Oidc;
use super::client_authentication::ClientAuthError;
use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::resources::not_this_grant;
use crate::account_state::{AccountState, ChangePending, Unavailable};
use crate::base::ids::SessionId;
use crate::clients::{Client, ClientRecord, GrantType, Scope, Scopes};
use crate::db;
use crate::history::Author;
use crate::tokens::keys::{SignError, Signer};
use crate::tokens::refresh::RefreshToken;
use crate::tokens::{ConsumedGrant, TokenTarget};
use crate::users::User;

/// A token response (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Lifetime of the access token, in seconds.
    pub expires_in: u64,
    /// Scopes of the token.
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
    /// Client authentication failed.
    #[error(transparent)]
    Client(#[from] ClientAuthError),
    /// The request is refused with an OAuth error.
    #[error(transparent)]
    Refused(#[from] OAuthError),
    /// A revocation is committed but not yet in force on all instances.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// A store is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The tokens can't be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It is unknown whether a code or refresh token was used up; repeating the request would count as a replay.
    #[error("the outcome of using the grant is unknown: {0}")]
    CommitUnknown(String),
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
    /// Handles a token request of an authenticated client.
    pub async fn handle_token_request(
        &self,
        record: &ClientRecord,
        parameters: &Parameters,
        author: Author,
    ) -> Result<TokenResponse, TokenEndpointError> {
        // 1. The client may use the grant type.
        let grant = read_grant_type(parameters)?;
        check_grant_type(&record.client, grant)?;
        if grant == GrantType::ClientCredentials {
            return self.grant_client_credentials(record, parameters).await;
        }
        // 2. The signing key, before a code or a refresh token is consumed.
        let algorithm = record.client.metadata.id_token_signed_response_alg;
        let signer = self.tokens.keyring.signer(algorithm).await?;
        // 3. The grant's own rules.
        let granted = if grant == GrantType::AuthorizationCode {
            self.redeem_code(record, parameters, author).await?
        } else {
            self.refresh(record, parameters, author).await?
        };
        // 4. The response, which needs no store.
        self.issue_tokens(&signer, granted)
    }

    fn issue_tokens(
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
