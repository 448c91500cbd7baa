//! Whoever shows an access token at the own API (RFC 6750): a person through an app, or a service on its own behalf.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, web};

use super::Sessions;
use crate::base::ids::UserId;
use crate::clients::Scope;
use crate::history::Actor;
use crate::standing::Standing;
use crate::tokens::{GoodToken, TokenError, Tokens};
use crate::web::Problem;

/// The holder of a good token whose audience is Doorward itself.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The token.
    pub token: GoodToken,
    /// Whether its person proved themself a moment ago; a service has just shown what it has.
    pub is_fresh: bool,
}

impl Bearer {
    /// The holder of a presented token.
    ///
    /// # Errors
    /// `invalid_token`, or nobody knows.
    pub async fn of(request: &HttpRequest, presented: &str) -> Result<Self, Problem> {
        let tokens = request.app_data::<web::Data<Tokens>>();
        let sessions = request.app_data::<web::Data<Sessions>>();
        let (tokens, sessions) = tokens.zip(sessions).ok_or_else(Problem::internal)?;
        let token = tokens.check(presented).await?;
        let issuer = &*tokens.issuer;
        // RFC 8707 §2: a token for another service is none for this one.
        if !token.claims.aud.iter().any(|audience| audience == issuer) {
            return Err(TokenError::Bad("other-audience").into());
        }
        let is_fresh = token
            .claims
            .auth_time
            .is_none_or(|auth_time| sessions.is_recent(auth_time, super::freshness::FRESH));
        Ok(Self { token, is_fresh })
    }

    /// The person whose token it is.
    pub fn person(&self) -> Option<&Standing> {
        self.token.standing.as_ref()
    }

    /// The id of the person whose token it is.
    pub fn user(&self) -> Option<UserId> {
        self.person().map(|person| person.user_id)
    }

    /// Who acts by the token.
    pub fn actor(&self) -> Actor {
        let client = self.token.client.id;
        match self.user() {
            Some(user) => Actor::Through(user, client),
            None => Actor::Client(client),
        }
    }

    /// Whether the token carries a scope, and its client is still registered for it.
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.token.claims.scope.contains(scope) && self.token.client.scopes.contains(scope)
    }
}

impl Sessions {
    /// Whether an instant, in seconds since 1970, is not longer ago than this.
    fn is_recent(&self, auth_time: i64, window: Duration) -> bool {
        let at = crate::base::clock::Timestamp::from_micros(auth_time.saturating_mul(1_000_000));
        self.clock.now().since(at) < window
    }
}

/// 403 (RFC 6750 §3.1).
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
