//! The UserInfo endpoint (OpenID Connect Core §5.3): returns the user's current claims that an access token allows.

use serde_json::{Map, Value, json};

use super::claims_request::ClaimsRequest;
use super::error::{ErrorCode, OAuthError};
use super::resources::is_registered;
use super::{Oidc, user_claims};
use crate::account_state::Unavailable;
use crate::base::ids::ClientId;
use crate::clients::Scope;
use crate::tokens::{self, TokenError, ValidToken};
use crate::users;

/// Why no claims are returned.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    /// 401 `invalid_token`; contains a reason code for the log.
    #[error("invalid token: {0}")]
    InvalidToken(&'static str),
    /// 401 `invalid_token`: the token is valid, but for other services. Contains its client and the error.
    #[error("{1}")]
    OtherAudience(ClientId, OAuthError),
    /// 403 `insufficient_scope`: the token lacks the scope `openid`.
    #[error("the token has no scope openid")]
    ScopeMissing,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<TokenError> for UserInfoError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Bad(reason) => Self::InvalidToken(reason),
            TokenError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

impl Oidc {
    /// Returns the claims that an access token allows.
    pub async fn user_info(&self, token: &str) -> Result<Map<String, Value>, UserInfoError> {
        let (valid_token, copy) = self.tokens.check_and_read(token, users::copy_key).await?;
        let account_state = valid_token.account_state.as_ref();
        let account_state = account_state.ok_or(UserInfoError::InvalidToken("no-user"))?;
        // A scope that was removed from the client no longer counts.
        let scopes = valid_token
            .claims
            .scope
            .intersection(&valid_token.client.scopes);
        if !scopes.contains(Scope::OpenId) {
            return Err(UserInfoError::ScopeMissing);
        }
        // RFC 8707 §2: a token for another service is not valid here.
        if !self.is_for_userinfo(&valid_token) {
            return Err(self.other_audience(&valid_token));
        }
        let user = users::find_current(&self.account_states, account_state, copy.as_deref());
        let user = user.await?.ok_or(UserInfoError::InvalidToken("no-user"))?;
        let request = self.find_claims_request(&valid_token).await?;
        let mut claims = user_claims::for_userinfo(
            &user,
            &scopes,
            &valid_token.client.scopes,
            (&request, &self.tokens.lifetimes.claims),
        );
        claims.insert("sub".into(), json!(user.id));
        Ok(claims)
    }

    /// Returns the individual claims that the authorization request asked for. Most ask for none; then no store is read.
    async fn find_claims_request(
        &self,
        valid_token: &ValidToken,
    ) -> Result<ClaimsRequest, UserInfoError> {
        let authorization = valid_token
            .authorization()
            .filter(|_| valid_token.requests_userinfo_claims());
        let Some((_, authorization)) = authorization else {
            return Ok(ClaimsRequest::default());
        };
        let found = self
            .database
            .read(move |conn| tokens::find(conn, authorization));
        let found = found.await.map_err(Unavailable::from)?;
        let found = found.ok_or(UserInfoError::InvalidToken("no-authorization"))?;
        Ok(serde_json::from_value(found.claims.0).unwrap_or_default())
    }

    /// Whether the token's audience contains the issuer, or the `UserInfo` audience. The latter counts only while the client is
    /// registered for it and for at least one service that the token is for.
    fn is_for_userinfo(&self, valid_token: &ValidToken) -> bool {
        let has = |wanted: &str| {
            valid_token
                .claims
                .aud
                .iter()
                .any(|audience| audience == wanted)
        };
        let mut audience = valid_token.claims.aud.iter();
        has(self.issuer())
            || valid_token.client.metadata.userinfo_audience
                && has(&self.userinfo_audience())
                && audience.any(|service| is_registered(service, &valid_token.client))
    }

    fn other_audience(&self, valid_token: &ValidToken) -> UserInfoError {
        let (issuer, client) = (self.issuer(), &valid_token.client.public_id);
        let audience = valid_token.claims.aud.join(" ");
        let told: String = audience.chars().take(MAX_AUDIENCE_LEN).collect();
        let description = if valid_token.client.metadata.userinfo_audience {
            format!(
                "the access token's audience is {told}, and UserInfo requires {issuer}: sign the user in again to get a token that \
                 UserInfo accepts, or request a second token with resource={issuer}"
            )
        } else {
            format!(
                "the access token's audience is {told}, and UserInfo requires {issuer}: request a second token with \
                 resource={issuer}, or, if its services may read the claims of users: \
                 doorward client update {client} --userinfo-audience"
            )
        };
        // No remedy is stored: otherwise every service that holds a token could suggest that it gets the users' claims.
        let refusal = OAuthError::new(ErrorCode::InvalidToken, description).with_rule(
            "other-audience",
            &audience,
            issuer,
        );
        UserInfoError::OtherAudience(valid_token.client.id, refusal)
    }
}

/// Maximum length of a token's audience in an error description, in characters.
const MAX_AUDIENCE_LEN: usize = 120;
