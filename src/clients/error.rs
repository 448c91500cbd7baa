//! Why a client can't be created or changed.

use super::{ActingError, FieldFault, Scopes};
use crate::db;
use crate::standing::ChangePending;

/// Why a client can't be created or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No client has this ID.
    #[error("there is no client of this id")]
    Unknown,
    /// A field can't be used.
    #[error("{}: {_0}", _0.field)]
    Field(FieldFault),
    /// Another client has this audience.
    #[error("audiences: {0} is another client's")]
    AudienceTaken(String),
    /// The client has another version than the caller expected.
    #[error("the client was changed meanwhile, to version {0}")]
    VersionIs(i64),
    /// A public client has no secret.
    #[error("a public client has no secret")]
    NoSecret,
    /// A client can't change itself.
    #[error("a client does not change itself")]
    Itself,
    /// The acting client neither registered this client nor was granted its management.
    #[error("the acting client does not manage that client")]
    NotManaged,
    /// Another party than the acting client disabled this client, or changed it since.
    #[error("that client was disabled by others")]
    DisabledByOthers,
    /// The name is too much like that of a client that others registered.
    #[error("a client that others registered has that name")]
    NameTaken,
    /// The name is that of Doorward itself, or reads like it.
    #[error("that name is too similar to the name of this installation or to “Doorward”")]
    ProviderName,
    /// The client has scopes, resources or audiences that the acting client lacks.
    #[error("that client may do more than the acting client")]
    HoldsMore,
    /// A client can't give another client scopes that it lacks.
    #[error("a client can't give scopes that it does not hold: {0}")]
    NotHeld(Scopes),
    /// A client can't give another client resources or audiences that it lacks.
    #[error("a client can't give {field} that it does not have: {}", values.join(" "))]
    NotHeldServices {
        /// `resources` or `audiences`.
        field: &'static str,
        /// The values that it does not have.
        values: Vec<String>,
    },
    /// A client can't turn a setting on for another client that it does not have itself.
    #[error("a client can't turn on {0}, which it does not have itself")]
    NotHeldSetting(&'static str),
    /// Only an administrator in person may set which services manage a client.
    #[error("only an administrator in person grants the management of a client")]
    ManagersInPerson,
    /// Only an administrator in person may disable a client together with the clients that it registered.
    #[error("with_registered is only for administrators in person")]
    RegisteredInPerson,
    /// Only an administrator in person chooses a client's ID or secret.
    #[error("only an administrator in person chooses {0}")]
    ChosenInPerson(&'static str),
    /// Only an administrator in person lets tokens be valid for longer.
    #[error(
        "only an administrator in person may set {field} to more than {longest} seconds, raise it or remove it"
    )]
    LongerInPerson {
        /// The lifetime.
        field: &'static str,
        /// The longest that a client may set, in seconds.
        longest: u32,
    },
    /// Only an administrator in person may choose an algorithm that publishes a new kind of key.
    #[error("only an administrator in person may choose an algorithm other than RS256")]
    AlgorithmInPerson,
    /// Only an administrator in person may register or change an app that asks no user for consent.
    #[error(
        "only an administrator in person registers or changes an app that asks no user for consent"
    )]
    Approval,
    /// The caller may not make the change any more.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// Committed, not yet in force.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<FieldFault> for ClientError {
    fn from(fault: FieldFault) -> Self {
        Self::Field(fault)
    }
}
