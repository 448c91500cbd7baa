//! Maps the errors of ceremonies to problem responses.

use actix_web::http::StatusCode;

use crate::db;
use crate::passkeys::ManageError;
use crate::passkeys::error::CeremonyError;
use crate::users::{JoinError, SetUpError};
use crate::web::Problem;

fn ceremony_gone(reason: &'static str) -> Problem {
    tracing::info!(reason, "ceremony rejected");
    Problem::new(
        StatusCode::GONE,
        "ceremony-gone",
        "Start again",
        "This ceremony was used, has expired, or was started in another browser. Start a new one.",
    )
}

/// The response if a store failed when the ceremony was used, or may have been used: the ceremony must not be repeated.
pub(super) fn interrupted(cause: &impl std::fmt::Display) -> Problem {
    tracing::error!(%cause, "a ceremony was interrupted");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "interrupted",
        "Interrupted",
        "The server lost its database connection. If you were creating a passkey, it may be saved: try to sign in with it. Otherwise start again.",
    )
}

pub(super) fn link_gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "link-gone",
        "This link no longer works",
        "It was used, has expired, or was replaced by a newer one. Ask for a new link.",
    )
}

/// Maps a database error. If the transaction may have been committed, the ceremony may be used.
fn undecided(error: db::Error) -> Problem {
    match error {
        db::Error::CommitUnknown(cause) => interrupted(&cause),
        error => error.into(),
    }
}

fn username_taken() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "username-taken",
        "The username is taken",
        "Another user has, or had, this username. Choose another one.",
    )
    .with("field", "username")
}

fn passkey_refused(status: StatusCode, reason: &str) -> Problem {
    tracing::info!(reason, "passkey rejected");
    Problem::new(
        status,
        "passkey-refused",
        "The passkey was not accepted",
        "The passkey's response can't be accepted. Try again, or use another passkey.",
    )
}

impl From<CeremonyError> for Problem {
    fn from(error: CeremonyError) -> Self {
        match error {
            CeremonyError::Gone(reason) => ceremony_gone(reason),
            CeremonyError::SessionOver => Self::new(
                StatusCode::UNAUTHORIZED,
                "signed-out",
                "Not signed in",
                "The session that started this has ended. Sign in and start again.",
            ),
            CeremonyError::CredentialRefused(reason) => {
                passkey_refused(StatusCode::BAD_REQUEST, &reason.0)
            }
            CeremonyError::CredentialTaken => {
                passkey_refused(StatusCode::CONFLICT, "credential-id-taken")
            }
            CeremonyError::SetUp(error) => error.into(),
            CeremonyError::Join(error) => error.into(),
            CeremonyError::TooMany => Self::new(
                StatusCode::CONFLICT,
                "too-many-passkeys",
                "Too many passkeys",
                "An account can have at most 30 passkeys. Remove one that you don't use.",
            ),
            CeremonyError::PasskeyUnknown => {
                tracing::info!(reason = "passkey-unknown", "passkey rejected");
                Self::new(
                    StatusCode::UNAUTHORIZED,
                    "passkey-unknown",
                    "This passkey isn't registered",
                    "Use another passkey, or ask your administrator for a new link.",
                )
            }
            CeremonyError::AssertionRefused(reason) => {
                passkey_refused(StatusCode::UNAUTHORIZED, &reason.to_string())
            }
            CeremonyError::Suspended => {
                tracing::info!(reason = "suspended", "sign-in rejected");
                Self::new(
                    StatusCode::FORBIDDEN,
                    "account-suspended",
                    "This account is suspended",
                    "Your account is suspended. Contact your administrator.",
                )
            }
            CeremonyError::ChangedConcurrently => {
                passkey_refused(StatusCode::UNAUTHORIZED, "used-concurrently")
            }
            CeremonyError::Interrupted(cause) => interrupted(&cause),
            CeremonyError::Database(error) => undecided(error),
            CeremonyError::Ephemeral(error) => error.into(),
        }
    }
}

impl From<SetUpError> for Problem {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Completed | SetUpError::LinkInvalid => link_gone(),
            SetUpError::UsernameTaken => username_taken(),
            SetUpError::Database(error) => undecided(error),
        }
    }
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Unknown
            | JoinError::Used
            | JoinError::Expired
            | JoinError::NotActive
            | JoinError::InviterNotAllowed => {
                tracing::info!(reason = %error, "link rejected");
                link_gone()
            }
            JoinError::UsernameTaken => username_taken(),
            JoinError::UsernameMissing => Self::invalid_field("username", "is required"),
            JoinError::Database(error) => undecided(error),
        }
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Unknown => Self::not_found(),
            ManageError::LastPasskey => Self::new(
                StatusCode::CONFLICT,
                "last-passkey",
                "This is the only passkey",
                "Without it, no one could sign in to this account. Add another passkey first.",
            ),
            ManageError::LastAdministrator(error) => error.into(),
            ManageError::NotPermitted => {
                Self::forbidden("Only administrators may change an administrator.")
            }
            ManageError::Name => Self::invalid_field("name", error),
            ManageError::Acting(error) => error.into(),
            ManageError::Pending(error) => error.into(),
            ManageError::Database(error) => error.into(),
        }
    }
}
