//! Why a ceremony can't be started or finished.

use super::assertion::AssertionError;
use super::attestation::CredentialRefused;
use super::passkey::MAX_PASSKEYS;
use crate::db;
use crate::ephemeral::StoreUnavailable;
use crate::sessions::{SessionStepUpError, UseError};
use crate::users::{JoinError, SetUpError};

/// Why a ceremony can't be started or finished.
#[derive(Debug, thiserror::Error)]
pub(super) enum CeremonyError {
    /// It was used, has expired, was started in another browser, or is unknown. Clients can't tell these apart.
    #[error("unknown ceremony: {0}")]
    Gone(&'static str),
    /// The session that started it has ended, or another user or session finishes it.
    #[error("the session has ended")]
    SessionOver,
    #[error("credential rejected: {0}")]
    CredentialRefused(#[from] CredentialRefused),
    /// A passkey with this credential ID is, or was, registered.
    #[error("the credential is already registered")]
    CredentialTaken,
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("the account already has {MAX_PASSKEYS} passkeys")]
    TooMany,
    /// No valid passkey has this credential ID. The page reports that to the browser's password manager.
    #[error("the passkey is not registered")]
    PasskeyUnknown,
    #[error("assertion rejected: {0}")]
    AssertionRefused(#[from] AssertionError),
    /// The assertion is valid, but the user may not sign in.
    #[error("the user is suspended")]
    Suspended,
    /// Another request used or revoked the passkey concurrently: it must be read again.
    #[error("the passkey was used or revoked by another request")]
    ChangedConcurrently,
    /// The ceremony is used, but a store failed before its result was in force everywhere and its session was handed out.
    #[error("committed, but no session was handed out: {0}")]
    Interrupted(String),
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Ephemeral(#[from] StoreUnavailable),
}

impl CeremonyError {
    /// Whether the ceremony can't be repeated. It can if a store was unavailable.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Database(_) | Self::Ephemeral(_))
    }
}

impl From<UseError> for CeremonyError {
    fn from(error: UseError) -> Self {
        match error {
            UseError::Used => Self::Gone("used"),
            UseError::Database(error) => Self::Database(error),
        }
    }
}

impl From<SessionStepUpError> for CeremonyError {
    fn from(error: SessionStepUpError) -> Self {
        match error {
            SessionStepUpError::Over => Self::SessionOver,
            SessionStepUpError::Database(error) => Self::Database(error),
        }
    }
}
