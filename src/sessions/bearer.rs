//! Callers of Doorward's API with an access token (RFC 6750): a user through an app, or a client on its own behalf.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, web};

use super::Sessions;
use crate::account_state::AccountState;
use crate::base::ids::UserId;
use crate::clients::Scope;
use crate::history::Actor;
use crate::tokens::{TokenError, Tokens, ValidToken};
use crate::web::Problem;

/// Holder of a valid access token whose audience is Doorward itself.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The token.
    pub token: ValidToken,
    /// Whether the token's user has signed in recently; true for a client, which authenticates whenever it requests a token.
    pub is_fresh: bool,
}

impl Bearer {
    /// Checks a presented token.
    pub async fn of(request: &HttpRequest, presented: &str) -> Result<Self, Problem> {
        let tokens = request.app_data::<web::Data<Tokens>>();
        let sessions = request.app_data::<web::Data<Sessions>>();
        let (tokens, sessions) = tokens.zip(sessions).ok_or_else(Problem::internal)?;
        let token = tokens.check(presented).await?;
        let issuer = &*tokens.issuer;
        // RFC 8707 §2: a token for another resource server is not valid here.
        if !token.claims.aud.iter().any(|audience| audience == issuer) {
            return Err(TokenError::Bad("other-audience").into());
        }
        let is_fresh = token
            .claims
            .auth_time
            .is_none_or(|auth_time| sessions.is_recent(auth_time, super::freshness::FRESH_WINDOW));
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

impl Sessions {
    /// Returns whether a time, in seconds since 1970, is within `window` before now.
    fn is_recent(&self, auth_time: i64, window: Duration) -> bool {
        let at = crate::base::clock::Timestamp::from_micros(auth_time.saturating_mul(1_000_000));
        self.clock.now().since(at) < window
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
