//! UserInfo (OpenID Connect Core §5.3): what a token's app may know of its person, now.

use serde_json::{Map, Value, json};

use super::claims_request::ClaimsRequest;
use super::{Oidc, user_claims};
use crate::clients::Scope;
use crate::db;
use crate::standing::Unavailable;
use crate::tokens::{self, TokenError};
use crate::users;

/// Why a token tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    /// 401 `invalid_token`; with a reason code for the log.
    #[error("the token is not good: {0}")]
    Bad(&'static str),
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
        // RFC 8707 §2: a token for another service is none for this one.
        if !good
            .claims
            .aud
            .iter()
            .any(|audience| audience == self.issuer())
        {
            return Err(UserInfoError::Bad("other-audience"));
        }
        let (user, authorization) = good
            .authorization()
            .ok_or(UserInfoError::Bad("no-person"))?;
        // What was taken from the client since is gone at once.
        let scopes = good.claims.scope.intersection(&good.client.scopes);
        if !scopes.contains(Scope::OpenId) {
            return Err(UserInfoError::ScopeMissing);
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
}
