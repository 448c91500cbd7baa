//! Who may give roles on things of a type, and register things of it.

use super::{Access, ResourceType};
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::history::{Actor, Author};
use crate::users::Rights;

/// Whether the author of a change may make it, asked within the change's transaction: administrators everything, a person
/// whose roles manage grants on the type that, an app only with an administrator's token. Whether a client has the scope was
/// asked when it showed its secret.
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

impl Access {
    /// What a person may manage by their roles, as of now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn rights(&self, user: UserId) -> db::Result<Rights> {
        self.database.read(move |conn| Rights::of(conn, user)).await
    }
}
