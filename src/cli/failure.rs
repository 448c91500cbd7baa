//! Errors of commands, and their exit codes.

use std::process::ExitCode;

use super::output::Output;
use crate::account_state::{ChangePending, Unavailable};
use crate::app::StartError;
use crate::assignments::{ResourceError, RoleAssignmentError};
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

macro_rules! failure {
    ($error:ty, not_found: $missing:pat $(, unavailable: $($away:pat_param)|+)?) => {
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let text = error.to_string();
                match error {
                    $missing => Self::NotFound(text),
                    $($($away)|+ => Self::Unavailable(text),)?
                    _ => Self::Refused(text),
                }
            }
        }
    };
}

impl From<LookupError> for Failure {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Unknown => Self::NotFound(error.to_string()),
            LookupError::Database(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<ChangePending> for Failure {
    fn from(error: ChangePending) -> Self {
        Self::Unavailable(error.to_string())
    }
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

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Key(_) | ChainError::KeyGone => Self::Configuration(error.to_string()),
            ChainError::Database(_) => Self::Unavailable(error.to_string()),
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

impl From<EraseError> for Failure {
    fn from(error: EraseError) -> Self {
        let text = error.to_string();
        match error {
            EraseError::Unknown(_) => Self::NotFound(text),
            EraseError::Unsealed(_) | EraseError::Kept(_) => Self::Refused(text),
            EraseError::Database(_) => Self::Unavailable(text),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let text = error.to_string();
        match error {
            KeyError::Unknown => Self::NotFound(text),
            KeyError::Pending(_) | KeyError::Database(_) => Self::Unavailable(text),
            KeyError::Sealed(..) => Self::Configuration(text),
            KeyError::Unmade => Self::Other(text),
        }
    }
}

failure!(InviteError, not_found: InviteError::UserUnknown, unavailable: InviteError::Database(_) | InviteError::Acting(ActingError::Database(_)));
failure!(UpdateError, not_found: UpdateError::Unknown, unavailable: UpdateError::Database(_) | UpdateError::Acting(ActingError::Database(_)) | UpdateError::Pending(_));
failure!(RoleError, not_found: RoleError::Unknown, unavailable: RoleError::Database(_) | RoleError::Acting(ActingError::Database(_)));
failure!(ManageError, not_found: ManageError::Unknown, unavailable: ManageError::Database(_) | ManageError::Acting(ActingError::Database(_)) | ManageError::Pending(_));
failure!(InvitationError, not_found: InvitationError::Unknown, unavailable: InvitationError::Database(_) | InvitationError::Acting(ActingError::Database(_)));
failure!(ReleaseError, not_found: ReleaseError::Unknown, unavailable: ReleaseError::Database(_) | ReleaseError::Acting(ActingError::Database(_)));

impl From<EndError> for Failure {
    fn from(error: EndError) -> Self {
        match error {
            EndError::Unknown => Self::NotFound(error.to_string()),
            EndError::Pending(_)
            | EndError::Database(_)
            | EndError::Acting(ActingError::Database(_)) => Self::Unavailable(error.to_string()),
            EndError::Acting(_) => Self::Refused(error.to_string()),
        }
    }
}
failure!(ClientError, not_found: ClientError::Unknown, unavailable: ClientError::Database(_) | ClientError::Acting(ActingError::Database(_)) | ClientError::Pending(_));
failure!(RoleAssignmentError, not_found: RoleAssignmentError::Unknown | RoleAssignmentError::UserUnknown, unavailable: RoleAssignmentError::Database(_) | RoleAssignmentError::Acting(ActingError::Database(_)) | RoleAssignmentError::Pending(_));
failure!(ResourceError, not_found: ResourceError::Unknown, unavailable: ResourceError::Database(_) | ResourceError::Acting(ActingError::Database(_)) | ResourceError::Pending(_));
