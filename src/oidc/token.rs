//! The token endpoint's pipeline (RFC 6749 §3.2): who asks, may they use this grant, the grant's own rule, the answer.

use std::sync::Arc;

use serde::Serialize;

use super::Oidc;
use super::client_authentication::ClientError;
use super::error::{ErrorCode, Refusal};
use super::parameters::Parameters;
use super::resources::{check_resource, not_this_grant};
use crate::base::ids::SessionId;
use crate::clients::{Client, ClientRecord, GrantType, Scope, Scopes};
use crate::db;
use crate::history::Author;
use crate::standing::{ChangePending, Standing, Unavailable};
use crate::tokens::Authorization;
use crate::tokens::keys::{SignError, Signer};
use crate::tokens::refresh::RefreshToken;
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
    /// What it allows.
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
    #[error("it is unknown whether the grant was used: {0}")]
    InDoubt(String),
}

/// What a grant gives: an authorization that is good at this moment, and how much of it is asked for.
pub(super) struct Granted {
    /// The client as it was registered when this was granted.
    pub(super) client: Arc<Client>,
    pub(super) authorization: Authorization,
    pub(super) standing: Standing,
    pub(super) user: User,
    pub(super) scopes: Scopes,
    pub(super) audience: Vec<String>,
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
            authorization,
            standing,
            user,
            scopes,
            audience,
            refresh_token,
        } = granted;
        let access = self.tokens.issue_for_person(
            (&client, signer),
            &authorization,
            &standing,
            &scopes,
            audience,
        )?;
        let id_token = scopes
            .contains(Scope::OpenId)
            .then(|| {
                self.issue_id_token(
                    (&client, signer),
                    &authorization,
                    &user,
                    &scopes,
                    &access.text,
                )
            })
            .transpose()?;
        Ok(TokenAnswer {
            access_token: access.text,
            token_type: "Bearer",
            expires_in: access.lifetime.as_secs(),
            scope: scopes,
            refresh_token: refresh_token.map(|token| self.tokens.refresh_tokens.write(token)),
            session_state: id_token.is_some().then_some(authorization.sid),
            id_token,
        })
    }

    /// For whom a token is: the services that are asked for, all that were authorized, or Doorward itself (RFC 8707 §2.2, RFC
    /// 9068 §3).
    pub(super) fn audience(
        &self,
        client: &Client,
        asked: &[String],
        authorized: &[String],
    ) -> Result<Vec<String>, Refusal> {
        // A resource that was withdrawn from the client since is refused immediately, not only in new authorization requests.
        let still: Vec<String> = authorized
            .iter()
            .filter(|resource| check_resource(resource, client, self.issuer()).is_ok())
            .cloned()
            .collect();
        if still.is_empty() && !authorized.is_empty() {
            let description = "this client may not get tokens for that resource any more";
            return Err(Refusal::new(ErrorCode::InvalidTarget, description).because(
                "resource-no-longer-registered",
                &authorized.join(" "),
                &client.metadata.resources.join(" "),
            ));
        }
        let is_own = |resource: &str| authorized.is_empty() && resource == self.issuer();
        let is_known =
            |resource: &String| still.iter().any(|known| known == resource) || is_own(resource);
        if !asked.iter().all(is_known) {
            let description = "resource goes beyond what was authorized";
            return Err(Refusal::new(ErrorCode::InvalidTarget, description).because(
                "resource-not-authorized",
                &asked.join(" "),
                &authorized.join(" "),
            ));
        }
        if !asked.is_empty() {
            return Ok(asked.to_vec());
        }
        if authorized.is_empty() {
            return Ok(vec![self.issuer().to_owned()]);
        }
        Ok(still)
    }
}

/// Whether a client is registered for a grant.
pub(super) fn check_grant_type(client: &Client, grant: GrantType) -> Result<(), Refusal> {
    if client.metadata.allows(grant) {
        return Ok(());
    }
    Err(not_this_grant(client, grant))
}

pub(super) fn read_grant_type(parameters: &Parameters) -> Result<GrantType, Refusal> {
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
