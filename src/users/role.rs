//! A role of the registry.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::roles::RoleError;
use super::{Rights, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::RoleId;
use crate::db::{self, Connection};
use crate::history::{self, Actor, Author, Revision, next_as_of};
use crate::standing::ADMINISTRATOR;

/// What people may be, everywhere: a global role, and what its holders may manage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Role {
    /// Name; it never changes.
    pub name: String,
    /// Purpose of the role.
    pub description: String,
    /// Its holders may manage people who hold some of these roles and none beside them, and give and take these.
    pub manages_roles: Vec<String>,
    /// Its holders may manage grants on things of these types.
    pub manages_grants_on: Vec<String>,
    /// Version, counted from 1.
    pub version: i64,
    /// Since when it stands so.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

impl Role {
    /// Version as an entity tag (RFC 9110 §8.8.3).
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Whether it is `admin`, which manages everything and always is there.
    pub fn is_built_in(&self) -> bool {
        self.name == ADMINISTRATOR
    }

    /// Its id in revisions.
    pub fn id(&self) -> RoleId {
        RoleId::of_name(&["role", &self.name])
    }

    /// Writes a new role, with its first revision.
    pub(super) fn create(&self, conn: &mut Connection, author: &Author) -> db::Result<()> {
        queries::insert_role(conn, self, author)?;
        self.keep(conn, author, self.data())
    }

    /// Writes the next version, with its revision.
    pub(super) fn save(
        &mut self,
        conn: &mut Connection,
        now: Timestamp,
        author: &Author,
    ) -> db::Result<()> {
        self.advance(now);
        queries::update_role(conn, self, None, author)?;
        self.keep(conn, author, self.data())
    }

    /// Takes it out of the registry. Its row stays, so that its versions go on should it be made again.
    pub(super) fn delete(
        &mut self,
        conn: &mut Connection,
        now: Timestamp,
        author: &Author,
    ) -> db::Result<()> {
        self.advance(now);
        queries::update_role(conn, self, Some(self.as_of), author)?;
        let mut data = self.data();
        if let Some(members) = data.as_object_mut() {
            members.insert("deleted".into(), true.into());
        }
        self.keep(conn, author, data)
    }

    fn advance(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.as_of = next_as_of(now, self.as_of);
    }

    fn data(&self) -> Value {
        json!({
            "name": self.name,
            "description": self.description,
            "manages_roles": self.manages_roles,
            "manages_grants_on": self.manages_grants_on,
        })
    }

    fn keep(&self, conn: &mut Connection, author: &Author, data: Value) -> db::Result<()> {
        let revision = Revision {
            entity: "role",
            entity_id: self.id().uuid(),
            version: self.version,
            as_of: self.as_of,
            data,
        };
        history::revise(conn, author, revision)
    }
}

/// Asked within the transaction, which holds the author's standing: whoever was an administrator when they asked may be none any more.
///
/// # Errors
/// `NotYours`, or when the database is away.
pub(super) fn require_administrator(
    conn: &mut Connection,
    author: &Author,
) -> Result<(), RoleError> {
    let may = match author.actor {
        Actor::Person(user) => Rights::of(conn, user)?.is_administrator,
        Actor::Command | Actor::Doorward => true,
        Actor::Through(..) | Actor::Client(_) => false,
    };
    if may {
        Ok(())
    } else {
        Err(RoleError::NotYours)
    }
}
