//! Decides whether a sign-in is recent enough for an operation that requires it.

use std::time::Duration;

use actix_web::http::{StatusCode, header};

use super::{Caller, Sessions, SignedIn};
use crate::base::clock::Timestamp;
use crate::web::Problem;

/// Maximum age of a sign-in that counts as recent.
const FRESH_WINDOW: Duration = Duration::from_secs(300);

/// The user has to sign in again before the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recent sign-in is needed")]
pub enum StepUpRequired {
    /// The session needs a step-up ceremony.
    Session,
    /// The app needs a new authorization request, because the user's token is based on an older sign-in.
    Token,
}

impl Sessions {
    /// Whether a user authenticated recently at this time.
    pub(super) fn is_fresh(&self, auth_time: Timestamp) -> bool {
        self.clock.now().since(auth_time) < FRESH_WINDOW
    }
}

impl SignedIn {
    /// Requires a recent sign-in of the user.
    pub fn require_fresh(&self) -> Result<(), StepUpRequired> {
        self.is_fresh.then_some(()).ok_or(StepUpRequired::Session)
    }
}

impl Caller {
    /// Requires a recent sign-in of the calling user. Clients have just authenticated.
    pub fn require_fresh(&self) -> Result<(), StepUpRequired> {
        match self {
            Self::Person(person) => person.require_fresh(),
            Self::Bearer(bearer) if !bearer.is_fresh => Err(StepUpRequired::Token),
            Self::Client(_) | Self::Bearer(_) => Ok(()),
        }
    }
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
