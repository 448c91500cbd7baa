//! Errors of database queries.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why a query returned no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not respond, or not in time. Nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection was lost during the commit, so the change may have been made. A conditional change is safe to retry; a
    /// caller that consumes something single-use must not retry.
    #[error("the outcome of a transaction is unknown: {0}")]
    CommitUnknown(String),
    /// A value that must be unique already exists.
    #[error("already exists: {0}")]
    UniqueViolation(String),
    /// The query or the data is invalid: a bug in Doorward.
    #[error("the database rejected a statement: {0}")]
    Internal(String),
}

/// Result of a query.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Returns `taken` for a unique value that already exists, and any other error as it is.
    pub fn taken_as<E: From<Self>>(self, taken: E) -> E {
        match self {
            Self::UniqueViolation(_) => taken,
            other => other.into(),
        }
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation => Self::UniqueViolation(
                    information
                        .constraint_name()
                        .unwrap_or_else(|| information.message())
                        .to_owned(),
                ),
                DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation => {
                    Self::Internal(information.message().to_owned())
                }
                // Timeouts, shutdowns, lost connections, full disks: the database is unavailable.
                _ => Self::Unavailable(information.message().to_owned()),
            },
            DieselError::BrokenTransactionManager
            | DieselError::AlreadyInTransaction
            | DieselError::NotInTransaction
            | DieselError::RollbackErrorOnCommit { .. } => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}
