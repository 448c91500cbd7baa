//! What a query can answer other than rows.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A query that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer, or not in time. Nothing was changed.
    #[error("the database is unavailable: {0}")]
    Away(String),
    /// The connection was lost at the commit: the change may have happened. A conditional change is safe to repeat; a caller that
    /// consumes something single-use must not repeat it.
    #[error("the outcome of a transaction is unknown: {0}")]
    InDoubt(String),
    /// A value that must be unique is taken.
    #[error("already exists: {0}")]
    Taken(String),
    /// The query or the data is wrong: a fault of ours.
    #[error("the database rejected a statement: {0}")]
    Refused(String),
}

/// What queries return.
pub type Result<T> = std::result::Result<T, Error>;

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation => Self::Taken(
                    information
                        .constraint_name()
                        .unwrap_or_else(|| information.message())
                        .to_owned(),
                ),
                DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation => {
                    Self::Refused(information.message().to_owned())
                }
                // Time-outs, shutdowns, lost connections, full disks: the database can't answer now.
                _ => Self::Away(information.message().to_owned()),
            },
            DieselError::BrokenTransactionManager
            | DieselError::AlreadyInTransaction
            | DieselError::NotInTransaction
            | DieselError::RollbackErrorOnCommit { .. } => Self::Away(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}
