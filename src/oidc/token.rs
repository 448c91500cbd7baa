//! The token endpoint's pipeline (RFC 6749 §3.2): who asks, may they use this grant, the grant's own rule, the answer.

use std::sync::Arc;

use serde::Serialize;

use super::Oidc;
use super::client_authentication::ClientError;
use super::error::{ErrorCode, Refusal};
use super::parameters::Parameters;
use super::resources::not_this_grant;
use crate::base::ids::SessionId;
use crate::clients::{Client, ClientRecord, GrantType, Scope, Scopes};
use crate::db;
use crate::history::Author;
use crate::standing::{ChangePending, Standing, Unavailable};
use crate::tokens::keys::{SignError, Signer};
use crate::tokens::refresh::RefreshToken;
use crate::tokens::{ConsumedGrant, TokenTarget};
use crate::users::User;

/// What a client gets (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// For how many seconds it is good.
    pub expires_in: u64,
    /// Scopes of the token.
    pub scope: Scopes,
    /// For the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The ID token's `sid`, where brokers look for it to find a session again at back-channel logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_state: Option<SessionId>,
}

/// Why a client gets nothing.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefused {
    /// It did not say who it is.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// By the words of the specification.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something was revoked and is not yet in force everywhere.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// A store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// No key signs.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A code or refresh token may have been used, and repeating the request would count as a replay.
    #[error("the outcome of using the grant is unknown: {0}")]
    InDoubt(String),
}

/// A consumed grant whose authorization is valid at this moment, and how much of it the client requests.
pub(super) struct Granted {
    /// The client as it was registered when the grant was consumed.
    pub(super) client: Arc<Client>,
    pub(super) grant: ConsumedGrant,
    pub(super) standing: Standing,
    pub(super) user: User,
    pub(super) scopes: Scopes,
    pub(super) target: TokenTarget,
    pub(super) refresh_token: Option<RefreshToken>,
}

impl Oidc {
    /// Answers a token request of a client that has shown who it is.
    ///
    /// # Errors
    /// Why it gets nothing.
    pub async fn answer_token_request(
        &self,
        record: &ClientRecord,
        parameters: &Parameters,
        author: Author,
    ) -> Result<TokenAnswer, TokenRefused> {
        // 1. May it use this grant?
        let grant = read_grant_type(parameters)?;
        check_grant_type(&record.client, grant)?;
        if grant == GrantType::ClientCredentials {
            return self.grant_client_credentials(record, parameters).await;
        }
        // 2. The signing key, before a code or a refresh token is consumed.
        let algorithm = record.client.metadata.id_token_signed_response_alg;
        let signer = self.tokens.keyring.signer(algorithm).await?;
        // 3. The grant's own rule.
        let granted = if grant == GrantType::AuthorizationCode {
            self.redeem_code(record, parameters, author).await?
        } else {
            self.refresh(record, parameters, author).await?
        };
        // 4. The response, which needs no store.
        self.write_answer(&signer, granted)
    }

    fn write_answer(&self, signer: &Signer, granted: Granted) -> Result<TokenAnswer, TokenRefused> {
        let Granted {
            client,
            grant,
            standing,
            user,
            scopes,
            target,
            refresh_token,
        } = granted;
        let access =
            self.tokens
                .issue_for_user((&client, signer), &grant, &standing, &scopes, target)?;
        let id_token = scopes
            .contains(Scope::OpenId)
            .then(|| self.issue_id_token((&client, signer), &grant, &user, &scopes, &access.text))
            .transpose()?;
        Ok(TokenAnswer {
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

/// Whether a client is registered for a grant.
pub(super) fn check_grant_type(client: &Client, grant: GrantType) -> Result<(), Refusal> {
    if client.metadata.allows(grant) {
        return Ok(());
    }
    Err(not_this_grant(client, grant))
}

/// The parameter `grant_type`.
///
/// # Errors
/// A refusal if it is missing or no known grant type.
pub fn read_grant_type(parameters: &Parameters) -> Result<GrantType, Refusal> {
    let text = parameters
        .get("grant_type")
        .ok_or_else(|| Refusal::invalid_request("grant_type is missing"))?;
    GrantType::ALL
        .into_iter()
        .find(|known| known.as_str() == text)
        .ok_or_else(|| {
            Refusal::new(
                ErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code, refresh_token or client_credentials",
            )
        })
}
