//! Errors of operations that require a recent sign-in.

use std::time::Duration;

use actix_web::http::{StatusCode, header};

use crate::web::Problem;

/// Maximum age of a sign-in that counts as recent.
pub(super) const FRESH_WINDOW: Duration = Duration::from_secs(300);

/// The user has to sign in again before the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recent sign-in is needed")]
pub enum StepUpRequired {
    /// The session needs a step-up ceremony.
    Session,
    /// The app needs a new authorization request, because the user's token is based on an older sign-in.
    Token,
}

impl From<StepUpRequired> for Problem {
    fn from(required: StepUpRequired) -> Self {
        let problem = |status, detail| {
            Self::new(
                status,
                "step-up-needed",
                "A recent sign-in is required",
                detail,
            )
        };
        match required {
            StepUpRequired::Session => problem(
                StatusCode::FORBIDDEN,
                "The sign-in must not be older than five minutes. Run a step-up ceremony (POST /webauthn/step-up/start), then repeat the request.",
            ),
            // RFC 9470 §3.
            StepUpRequired::Token => problem(
                StatusCode::UNAUTHORIZED,
                "The sign-in must not be older than five minutes. Send the user to the authorization endpoint with max_age=300.",
            )
            .header(
                header::WWW_AUTHENTICATE,
                "Bearer realm=\"Doorward\", error=\"insufficient_user_authentication\", \
                 error_description=\"a sign-in of the last five minutes is needed\", max_age=300",
            ),
        }
    }
}
