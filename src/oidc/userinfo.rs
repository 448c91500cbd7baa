//! UserInfo (OpenID Connect Core §5.3): what a token's app may know of its person, now.

use serde_json::{Map, Value, json};

use super::claims_request::ClaimsRequest;
use super::error::{ErrorCode, Refusal};
use super::resources::is_registered;
use super::{Oidc, user_claims};
use crate::base::ids::ClientId;
use crate::clients::Scope;
use crate::db;
use crate::standing::Unavailable;
use crate::tokens::{self, GoodToken, TokenError};
use crate::users;

/// Why a token tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    /// 401 `invalid_token`; with a reason code for the log.
    #[error("invalid token: {0}")]
    Bad(&'static str),
    /// 401 `invalid_token`: a token of this client, for other services.
    #[error("{1}")]
    OtherAudience(ClientId, Refusal),
    /// 403 `insufficient_scope`.
    #[error("the token has no scope openid")]
    ScopeMissing,
    /// A store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<TokenError> for UserInfoError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Bad(reason) => Self::Bad(reason),
            TokenError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

impl Oidc {
    /// The claims of a presented access token.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn user_info(&self, token: &str) -> Result<Map<String, Value>, UserInfoError> {
        let good = self.tokens.check(token).await?;
        let (user, authorization) = good
            .authorization()
            .ok_or(UserInfoError::Bad("no-person"))?;
        // A scope that was taken from the client since no longer counts.
        let scopes = good.claims.scope.intersection(&good.client.scopes);
        if !scopes.contains(Scope::OpenId) {
            return Err(UserInfoError::ScopeMissing);
        }
        // RFC 8707 §2: a token for another service is not valid here.
        if !self.is_for_userinfo(&good) {
            return Err(self.other_audience(&good));
        }
        let found = self.database.read(move |conn| {
            let user = users::find(conn, user)?;
            let authorization = tokens::find(conn, authorization)?;
            Ok::<_, db::Error>(user.zip(authorization))
        });
        let found = found.await.map_err(Unavailable::from)?;
        let (user, authorization) = found.ok_or(UserInfoError::Bad("no-authorization"))?;
        let request: ClaimsRequest =
            serde_json::from_value(authorization.claims.0).unwrap_or_default();
        let mut claims = user_claims::for_userinfo(
            &user,
            &scopes,
            &good.client.scopes,
            (&request, &self.tokens.lifetimes.claims),
        );
        claims.insert("sub".into(), json!(user.id));
        Ok(claims)
    }

    /// Whether a token's audience contains the issuer, or the `UserInfo` audience while its client is registered for that and for at least
    /// one service that the token is for.
    fn is_for_userinfo(&self, good: &GoodToken) -> bool {
        let has = |wanted: &str| good.claims.aud.iter().any(|audience| audience == wanted);
        let mut audience = good.claims.aud.iter();
        has(self.issuer())
            || good.client.metadata.userinfo_audience
                && has(&self.userinfo_audience())
                && audience.any(|service| is_registered(service, &good.client))
    }

    fn other_audience(&self, good: &GoodToken) -> UserInfoError {
        let (issuer, client) = (self.issuer(), &good.client.public_id);
        let audience = good.claims.aud.join(" ");
        let told: String = audience.chars().take(MAX_AUDIENCE_LEN).collect();
        let description = if good.client.metadata.userinfo_audience {
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
        // Without a stored remedy: every service that holds a token could suggest that it gets the users' claims.
        let refusal = Refusal::new(ErrorCode::InvalidToken, description).because(
            "other-audience",
            &audience,
            issuer,
        );
        UserInfoError::OtherAudience(good.client.id, refusal)
    }
}

/// How much of a token's audience an error description repeats, in characters.
const MAX_AUDIENCE_LEN: usize = 120;
