//! Who may give roles on things of a type, and register things of it.

use super::ResourceType;
use crate::db::{self, Connection};
use crate::history::{Actor, Author};
use crate::users::Rights;

/// Whether the author of a change may make it, asked within the change's transaction, which holds the standing of the person who
/// acts: administrators everything, a person whose roles manage grants on the type that, an app only with an administrator's
/// token. Whether a client has the scope was asked when it showed its secret.
pub(super) fn may_change(
    conn: &mut Connection,
    author: &Author,
    kind: &ResourceType,
) -> db::Result<bool> {
    match author.actor {
        Actor::Person(user) => Ok(Rights::of(conn, user)?.may_grant_on(kind.as_str())),
        Actor::Through(user, _) => Ok(Rights::of(conn, user)?.is_administrator),
        Actor::Client(_) | Actor::Command | Actor::Doorward => Ok(true),
    }
}
