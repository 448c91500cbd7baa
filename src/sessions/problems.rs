//! Problem documents for errors of sessions, account state and clients. They are here because `account_state` and `web` don't depend
//! on each other.

use super::signed_in::SignedInError;
use crate::account_state::{ChangePending, Unavailable};
use crate::clients::ActingError;
use crate::tokens::TokenError;
use crate::web::Problem;
use actix_web::http::{StatusCode, header};

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        match error {
            Unavailable::Database(error) => error.into(),
            Unavailable::Ephemeral(error) => error.into(),
        }
    }
}

impl From<ChangePending> for Problem {
    fn from(error: ChangePending) -> Self {
        tracing::error!(%error, "a change is committed but not yet in force");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "change-pending",
            "Saved, but not yet in force everywhere",
            "The change is saved, but not yet in force on every instance. Repeat the request; that is safe.",
        )
        .retry_after(1)
    }
}

impl From<ActingError> for Problem {
    fn from(error: ActingError) -> Self {
        match error {
            ActingError::SignedOut(reason) => SignedInError::NotSignedIn(reason).into(),
            ActingError::ClientRefused => client_unknown(),
            ActingError::TokenRefused(reason) => TokenError::Bad(reason).into(),
            ActingError::Forbidden => {
                Self::forbidden("The permission for this was revoked. Ask an administrator.")
            }
            ActingError::Database(error) => error.into(),
        }
    }
}

/// Returns 401 for a client that is not authenticated.
pub(super) fn client_unknown() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "client-unknown",
        "Client authentication failed",
        "Authenticate with HTTP Basic: client_id and client_secret of an enabled client.",
    )
    .header(header::WWW_AUTHENTICATE, "Basic realm=\"Doorward\"")
}
