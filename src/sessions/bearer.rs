//! Callers of Doorward's API with an access token (RFC 6750): a user through an app, or a client on its own behalf.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

use super::Sessions;
use crate::account_state::AccountState;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::clients::Scope;
use crate::history::Actor;
use crate::tokens::{TokenError, Tokens, ValidToken};
use crate::web::{Problem, app_data};

/// Holder of a valid access token whose audience is Doorward itself.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub token: ValidToken,
    /// Whether the token's user has signed in recently; true for a client, which authenticates whenever it requests a token.
    pub(super) is_fresh: bool,
}

impl Bearer {
    /// Checks a presented token.
    pub async fn of(request: &HttpRequest, presented: &str) -> Result<Self, Problem> {
        let tokens = app_data::<Tokens>(request)?;
        let sessions = app_data::<Sessions>(request)?;
        let token = tokens.check(presented).await?;
        let issuer = &*tokens.issuer;
        // RFC 8707 §2: a token for another resource server is not valid here.
        if !token.claims.aud.iter().any(|audience| audience == issuer) {
            return Err(TokenError::Bad("other-audience").into());
        }
        let is_fresh = token
            .claims
            .auth_time
            .map(|seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000)))
            .is_none_or(|auth_time| sessions.is_fresh(auth_time));
        Ok(Self { token, is_fresh })
    }

    /// Account state of the token's user; `None` for a client's own token.
    pub fn person(&self) -> Option<&AccountState> {
        self.token.account_state.as_ref()
    }

    /// ID of the token's user.
    pub fn user(&self) -> Option<UserId> {
        self.person().map(|person| person.user_id)
    }

    /// Returns the actor for audit events.
    pub fn actor(&self) -> Actor {
        let client = self.token.client.id;
        match self.user() {
            Some(user) => Actor::UserThroughClient(user, client),
            None => Actor::Client(client),
        }
    }

    /// Returns whether the token has a scope and its client is still registered for it.
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.token.claims.scope.contains(scope) && self.token.client.scopes.contains(scope)
    }
}

/// Returns 403 (RFC 6750 §3.1).
pub(super) fn scope_missing(scope: Scope) -> Problem {
    Problem::forbidden(format!(
        "This token needs the scope {}, and its client must be registered for that scope.",
        scope.as_str()
    ))
    .with("scope", scope.as_str())
    .header(
        header::WWW_AUTHENTICATE,
        "Bearer realm=\"Doorward\", error=\"insufficient_scope\"",
    )
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Bad(reason) => {
                tracing::info!(reason, "token rejected");
                Self::new(
                    StatusCode::UNAUTHORIZED,
                    "token-refused",
                    "Invalid access token",
                    "Send an access token that was issued for this API, has not expired and was not revoked.",
                )
                .header(
                    header::WWW_AUTHENTICATE,
                    "Bearer realm=\"Doorward\", error=\"invalid_token\"",
                )
            }
            TokenError::Unavailable(error) => error.into(),
        }
    }
}
