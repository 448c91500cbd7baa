//! Errors of commands, and their exit codes.

use std::process::ExitCode;

use super::output::Output;
use crate::account_state::{ChangePending, Unavailable};
use crate::app::StartError;
use crate::assignments::{ResourceError, RoleAssignmentError};
use crate::authzen::AuthZenError;
use crate::clients::{ActingError, ClientError, RewrapError};
use crate::db;
use crate::history::{ChainError, EraseError};
use crate::passkeys::ManageError;
use crate::sessions::EndError;
use crate::tokens::keys::KeyError;
use crate::users::{
    InvitationError, InviteError, LookupError, ReleaseError, RoleError, SetUpError, UpdateError,
};

/// Why a command failed, by exit code. Usage errors exit with 2.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Exit code 1: any other failure.
    #[error("{0}")]
    Other(String),
    /// Exit code 3: the user, role, passkey, session, client or key does not exist.
    #[error("{0}")]
    NotFound(String),
    /// Exit code 4: not allowed, or the data has changed.
    #[error("{0}")]
    Refused(String),
    /// Exit code 4: a check found faults, which were already printed.
    #[error("{0}")]
    CheckFailed(String),
    /// Exit code 5: a store is unavailable, or the change is not in force yet. Safe to repeat.
    #[error("{0}")]
    Unavailable(String),
    /// Exit code 6: the configuration is invalid.
    #[error("{0}")]
    Configuration(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Other(_) => 1,
            Self::NotFound(_) => 3,
            Self::Refused(_) | Self::CheckFailed(_) => 4,
            Self::Unavailable(_) => 5,
            Self::Configuration(_) => 6,
        }
    }

    pub(super) fn report(&self, output: &Output) -> ExitCode {
        if let Self::CheckFailed(summary) = self {
            Output::warn(summary);
        } else {
            output.fail(&self.to_string(), self.code());
        }
        ExitCode::from(self.code())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let text = error.to_string();
        match error {
            StartError::AccountStates(_)
            | StartError::Redis(crate::ephemeral::StoreCheckError::Unavailable(_))
            | StartError::Migrate(db::MigrateError::Database(db::Error::Unavailable(_)))
            | StartError::Installation(crate::users::InstallationError::Database(_))
            | StartError::Keys(KeyError::Database(_) | KeyError::Pending(_)) => {
                Self::Unavailable(text)
            }
            _ => Self::Configuration(text),
        }
    }
}

/// Maps the variants of an error to failures with its text.
macro_rules! failure {
    ($error:ty => $failure:ident) => {
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::$failure(error.to_string())
            }
        }
    };
    ($error:ident { $($($variant:pat_param)|+ => $failure:ident),+ $(,)? }) => {
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                use $error::*;
                let text = error.to_string();
                match error {
                    $($($variant)|+ => Self::$failure(text),)+
                }
            }
        }
    };
}

impl From<SetUpError> for Failure {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Database(_) => Self::Unavailable(error.to_string()),
            SetUpError::Completed => Self::Refused(format!(
                "{error}. To recover an administrator's account: doorward setup-link --user NAME. \
                 To invite a new user: doorward user invite"
            )),
            SetUpError::LinkInvalid | SetUpError::UsernameTaken => Self::Refused(error.to_string()),
        }
    }
}

impl From<RewrapError> for Failure {
    fn from(error: RewrapError) -> Self {
        match error {
            RewrapError::Sealed(..) => Self::Configuration(error.to_string()),
            RewrapError::Client(error) => error.into(),
        }
    }
}

failure!(db::Error => Unavailable);
failure!(Unavailable => Unavailable);
failure!(ChangePending => Unavailable);
failure!(LookupError { Unknown => NotFound, Database(_) => Unavailable });
failure!(ChainError { Key(_) | KeyGone => Configuration, Database(_) => Unavailable });
failure!(EraseError { Unknown(_) => NotFound, Unsealed(_) | Kept(_) => Refused, Database(_) => Unavailable });
failure!(AuthZenError { Malformed(_) => Other, NoPolicies => Refused, Unavailable(_) => Unavailable });
failure!(KeyError {
    Unknown => NotFound, Sealed(..) => Configuration, Unmade => Other, Pending(_) | Database(_) => Unavailable,
});
failure!(InviteError {
    UserUnknown => NotFound, Database(_) | Acting(ActingError::Database(_)) => Unavailable, _ => Refused,
});
failure!(UpdateError {
    Unknown => NotFound, Database(_) | Acting(ActingError::Database(_)) | Pending(_) => Unavailable, _ => Refused,
});
failure!(RoleError {
    Unknown => NotFound, Database(_) | Acting(ActingError::Database(_)) => Unavailable, _ => Refused,
});
failure!(ManageError {
    Unknown => NotFound, Database(_) | Acting(ActingError::Database(_)) | Pending(_) => Unavailable, _ => Refused,
});
failure!(InvitationError {
    Unknown | UnknownCursor => NotFound, Database(_) | Acting(ActingError::Database(_)) => Unavailable, _ => Refused,
});
failure!(ReleaseError {
    Unknown => NotFound, Database(_) | Acting(ActingError::Database(_)) => Unavailable, _ => Refused,
});
failure!(EndError {
    Unknown => NotFound, Database(_) | Acting(ActingError::Database(_)) | Pending(_) => Unavailable, _ => Refused,
});
failure!(ClientError {
    Unknown => NotFound, Database(_) | Acting(ActingError::Database(_)) | Pending(_) => Unavailable, _ => Refused,
});
failure!(RoleAssignmentError {
    Unknown | UserUnknown => NotFound, Database(_) | Acting(ActingError::Database(_)) | Pending(_) => Unavailable, _ => Refused,
});
failure!(ResourceError {
    Unknown => NotFound, Database(_) | Acting(ActingError::Database(_)) | Pending(_) => Unavailable, _ => Refused,
});
