//! The permission to assign roles on resources of a type and to register resources of the type.

use super::ResourceType;
use crate::db::{self, Connection};
use crate::history::{Actor, Author};
use crate::users::ManagementRights;

/// Whether the author may make a change to resources of a type. Called within the change's transaction, which holds the acting
/// user's account state. Administrators may change every type, other users those on which their roles allow to manage
/// assignments. A client that acts for a user needs that user to be an administrator. A client that acts for itself had its scope
/// checked when it authenticated; the command line and Doorward itself may change every type.
pub(super) fn may_change(
    conn: &mut Connection,
    author: &Author,
    kind: &ResourceType,
) -> db::Result<bool> {
    match author.actor {
        Actor::User(user) => Ok(ManagementRights::of(conn, user)?.may_assign_on(kind.as_str())),
        Actor::UserThroughClient(user, _) => Ok(ManagementRights::of(conn, user)?.is_administrator),
        Actor::Client(_) | Actor::Command | Actor::Doorward => Ok(true),
    }
}
