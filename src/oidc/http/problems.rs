//! Error responses of the OAuth endpoints: JSON (RFC 6749 §5.2) with the `WWW-Authenticate` challenge that belongs to it.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::json;

use crate::account_state::{ChangePending, Unavailable};
use crate::db;
use crate::oidc::client_authentication::ClientAuthError;
use crate::oidc::consent::WithdrawError;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::parameters::ParametersError;
use crate::oidc::token::TokenEndpointError;
use crate::tokens::keys::SignError;
use crate::web::Problem;

/// An error response to an OAuth client. The cause is only logged.
#[derive(Clone, Debug)]
pub struct OAuthProblem {
    status: StatusCode,
    refusal: OAuthError,
    challenge: Option<String>,
}

impl OAuthProblem {
    /// 400 with an OAuth error.
    pub fn refused(refusal: OAuthError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            refusal,
            challenge: None,
        }
    }

    /// `invalid_client`. RFC 6749 §5.2: 401 with a challenge if the client used the `Authorization` header. Otherwise 400 without
    /// one: some libraries stop at a challenge before they read the error.
    fn unauthenticated(by_header: bool) -> Self {
        let description = "authenticate with the client's secret, by a registered method";
        let mut problem = Self::refused(OAuthError::new(ErrorCode::InvalidClient, description));
        if by_header {
            problem.status = StatusCode::UNAUTHORIZED;
            problem.challenge = Some("Basic realm=\"Doorward\"".into());
        }
        problem
    }

    fn new(status: StatusCode, code: ErrorCode, description: &str) -> Self {
        Self {
            status,
            ..Self::refused(OAuthError::new(code, description))
        }
    }

    /// 503: a store is unavailable.
    pub fn unavailable() -> Self {
        let description = "a store is unavailable; try again in a moment";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, ErrorCode::TemporarilyUnavailable, description)
    }

    /// 503: a change is committed but not yet in force on all instances.
    fn pending(error: &ChangePending) -> Self {
        tracing::error!(%error, "a change is committed but not yet in force");
        let description = "the change is saved but not yet in force everywhere; repeat the request";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, ErrorCode::TemporarilyUnavailable, description)
    }

    /// 500: a code or refresh token may have been used.
    fn commit_unknown(cause: &str) -> Self {
        tracing::error!(cause, "the outcome of using a grant is unknown");
        let description = "the outcome is unknown; start a new authorization request";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, ErrorCode::ServerError, description)
    }

    fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, ErrorCode::ServerError, "internal server error")
    }

    /// An error with a `Bearer` challenge (RFC 6750 §3); `more` is appended to the challenge.
    pub fn bearer(status: StatusCode, refusal: OAuthError, more: &str) -> Self {
        let challenge = format!(
            "Bearer realm=\"Doorward\", error=\"{}\", error_description=\"{}\"{more}",
            refusal.code.as_str(),
            refusal.description
        );
        Self {
            status,
            refusal,
            challenge: Some(challenge),
        }
    }

    /// Adds a `Bearer` challenge that names the error (RFC 6750 §3.1).
    pub fn for_bearer(self) -> Self {
        Self::bearer(self.status, self.refusal, "")
    }

    /// 401 for a request without a token: the challenge names no error (RFC 6750 §3.1).
    pub fn no_token() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            refusal: OAuthError::new(ErrorCode::InvalidToken, "send an access token"),
            challenge: Some("Bearer realm=\"Doorward\"".into()),
        }
    }

    /// Builds the response.
    pub fn response(&self) -> HttpResponse {
        let mut answer = no_store(self.status);
        if let Some(challenge) = &self.challenge {
            answer.insert_header((header::WWW_AUTHENTICATE, challenge.as_str()));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, "2"));
        }
        answer.json(json!({
            "error": self.refusal.code.as_str(),
            "error_description": self.refusal.description,
        }))
    }
}

/// Starts a response that must not be cached (RFC 6749 §5.1).
pub fn no_store(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"));
    answer
}

impl From<ParametersError> for OAuthProblem {
    fn from(error: ParametersError) -> Self {
        Self::refused(error.refusal())
    }
}

impl From<OAuthError> for OAuthProblem {
    fn from(refusal: OAuthError) -> Self {
        Self::refused(refusal)
    }
}

impl From<ClientAuthError> for OAuthProblem {
    fn from(error: ClientAuthError) -> Self {
        match error {
            ClientAuthError::Failed(failed) => Self::unauthenticated(failed.by_header),
            ClientAuthError::TwoMethods => Self::refused(OAuthError::invalid_request(
                "authenticate in the header or in the body, not in both",
            )),
            ClientAuthError::Unavailable(error) => error.into(),
        }
    }
}

impl From<Unavailable> for OAuthProblem {
    fn from(error: Unavailable) -> Self {
        tracing::error!(%error, "request failed");
        match error {
            Unavailable::Database(db::Error::Internal(_)) => Self::internal(),
            Unavailable::Database(_) | Unavailable::Ephemeral(_) => Self::unavailable(),
        }
    }
}

impl From<db::Error> for OAuthProblem {
    fn from(error: db::Error) -> Self {
        Unavailable::from(error).into()
    }
}

impl From<TokenEndpointError> for OAuthProblem {
    fn from(error: TokenEndpointError) -> Self {
        match error {
            TokenEndpointError::Client(error) => error.into(),
            TokenEndpointError::Refused(refusal) => refusal.into(),
            // The change is committed, but success is reported only after it is in force on all instances.
            TokenEndpointError::Pending(pending) => Self::pending(&pending),
            TokenEndpointError::CommitUnknown(cause) => Self::commit_unknown(&cause),
            TokenEndpointError::Unavailable(error)
            | TokenEndpointError::Sign(SignError::Unavailable(error)) => error.into(),
            TokenEndpointError::Database(error) => error.into(),
            // Not 503, because retrying does not help: an operator must repair the keys.
            TokenEndpointError::Sign(error) => {
                tracing::error!(%error, "no signing key is available");
                Self::internal()
            }
        }
    }
}

impl From<WithdrawError> for Problem {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::Unknown => Self::not_found(),
            WithdrawError::Acting(error) => error.into(),
            WithdrawError::Pending(pending) => pending.into(),
            WithdrawError::Unavailable(error) => error.into(),
            WithdrawError::Database(error) => error.into(),
        }
    }
}
