//! The errors of creating and changing clients.

use super::{ActingError, InvalidField, Scopes};
use crate::account_state::ChangePending;
use crate::db;

/// Why a client can't be created or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No client has this ID.
    #[error("no client has this ID")]
    Unknown,
    /// A field can't be used.
    #[error("{}: {_0}", _0.field)]
    Field(#[from] InvalidField),
    /// Another client has this audience.
    #[error("audiences: {0} is already used by another client")]
    AudienceTaken(String),
    /// The client has another version than the caller expected.
    #[error("the client was changed by another request, to version {0}")]
    VersionMismatch(i64),
    /// A public client has no secret.
    #[error("public clients can't have a secret")]
    NoSecret,
    /// A client can't change itself.
    #[error("a client can't update itself")]
    SelfChange,
    /// The acting client neither registered this client nor is one of its managers.
    #[error("the acting client does not manage that client")]
    NotManaged,
    /// Another party than the acting client disabled this client, or changed it after that.
    #[error("that client was disabled by someone else")]
    DisabledByOthers,
    /// The name is too similar to that of a client that another party registered.
    #[error("another party's client has this name")]
    NameTaken,
    /// The name equals or resembles Doorward's own.
    #[error("that name is too similar to the name of this installation or to “Doorward”")]
    ProviderName,
    /// The client has scopes, resources or audiences that the acting client lacks.
    #[error("that client has more permissions than the acting client")]
    ExceedsCaller,
    /// A client can't assign scopes to another client that it lacks itself.
    #[error("a client can only assign scopes that it has itself, not: {0}")]
    ScopeNotHeld(Scopes),
    /// A client can't assign resources or audiences to another client that it lacks itself.
    #[error("a client can only assign {field} that it has itself, not: {}", values.join(" "))]
    ResourcesNotHeld {
        /// The member: `resources` or `audiences`.
        field: &'static str,
        /// The values that the acting client lacks.
        values: Vec<String>,
    },
    /// A client may turn a setting on only for a client that it registers, and only if it has the setting itself.
    #[error(
        "a client turns {0} on only when it registers another client, and only if it has {0} itself"
    )]
    SettingNotHeld(&'static str),
    /// Only a signed-in administrator may set which clients manage a client.
    #[error("only administrators, in their own session, may change who manages a client")]
    ManagersNeedAdministrator,
    /// Only a signed-in administrator may disable a client together with the clients that it registered.
    #[error("only administrators, in their own session, may use with_registered")]
    CascadeNeedsAdministrator,
    /// Only a signed-in administrator may choose a client's ID or secret.
    #[error("only administrators, in their own session, may choose {0}")]
    ChosenCredentialsNeedAdministrator(&'static str),
    /// Only a signed-in administrator may lengthen a token lifetime beyond the limit.
    #[error(
        "only administrators, in their own session, may set {field} to more than {max} seconds, raise it or remove it"
    )]
    LongerLifetimeNeedsAdministrator {
        /// Name of the lifetime's field.
        field: &'static str,
        /// The longest lifetime that a client may set, in seconds.
        max: u32,
    },
    /// Only a signed-in administrator may choose an algorithm that publishes a new kind of key.
    #[error("only administrators, in their own session, may choose an algorithm other than RS256")]
    AlgorithmNeedsAdministrator,
    /// Only a signed-in administrator may register or change an app that does not ask users for consent.
    #[error(
        "only administrators, in their own session, may register or change an app that asks no user for consent"
    )]
    ConsentExempt,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The change is committed, but not yet in force in every instance.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
}
