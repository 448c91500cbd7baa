//! Administrative operations, the same for the JSON API and for pages. Each resolves its target, checks that the actor has the
//! permission, requires a recent sign-in for changes, and runs the operation of the module that owns the data. That operation
//! checks the actor and the permission again in its transaction.

mod actor;
mod assignments;
mod clients;
mod history;
mod invitations;
mod resources;
mod roles;
mod users;

use std::sync::Arc;

use crate::assignments::Assignments;
use crate::clients::Clients;
use crate::db::{self, Database};
use crate::oidc::Oidc;
use crate::passkeys::Passkeys;
use crate::sessions::{CallerError, Sessions, StepUpRequired};
use crate::users::{LookupError, ReleaseError, Users};

pub use actor::Actor;
pub use resources::{TypeAccess, TypeNotManaged};

/// The operations for one actor.
pub struct Commands {
    pub actor: Actor,
    /// Users, roles and invitations.
    pub users: Arc<Users>,
    pub passkeys: Arc<Passkeys>,
    pub sessions: Arc<Sessions>,
    /// Resources, and roles on them.
    pub assignments: Arc<Assignments>,
    pub clients: Arc<Clients>,
    /// OpenID Connect, for recent refusals of a client.
    pub oidc: Arc<Oidc>,
    /// The database, for audit events and revisions.
    pub database: Arc<Database>,
}

/// Why an operation was refused before it began.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The actor does not have the permission.
    #[error(transparent)]
    Refused(#[from] CallerError),
    /// The actor manages resources, but none of this type.
    #[error(transparent)]
    TypeNotManaged(#[from] TypeNotManaged),
    /// Only administrators in their own session create and change roles.
    #[error("only administrators in their own session may change roles")]
    RolesNeedUserSession,
    /// Only administrators in their own session release usernames.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The user's sign-in is not recent; a step-up is needed first.
    #[error(transparent)]
    StepUpRequired(#[from] StepUpRequired),
    /// The target does not exist, or the actor may not know that it does.
    #[error("not found")]
    NotFound,
    /// No user has this ID or name.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
}
