//! People made up by the thousand, for measuring: as if each had joined, without the ceremonies.

use serde_json::{Map, json};

use super::email_state::EmailState;
use super::queries;
use super::user::User;
use crate::base::clock::Timestamp;
use crate::base::ids::{RoleId, UserId};
use crate::db::{self, Connection};
use crate::history::{self, Author, Revision};
use crate::standing::{self, UserStatus};

/// Whether anybody was ever here.
///
/// # Errors
/// When the database is away.
pub fn has_people(conn: &mut Connection) -> db::Result<bool> {
    queries::has_people(conn)
}

/// A person who holds one role.
pub fn person(id: UserId, username: String, role: String, at: Timestamp) -> User {
    User {
        id,
        email: Some(format!("{username}@seeded.example")),
        email_state: EmailState::Vouched,
        email_verified_at: Some(at),
        email_verified_by: None,
        display_name: format!("Seeded {username}"),
        username,
        status: UserStatus::Active,
        attributes: Map::new(),
        roles: vec![role],
        created_at: at,
        version: 1,
        as_of: at,
    }
}

/// Writes new people, with their names, roles, standings and first revisions.
///
/// # Errors
/// When the database is away, or a name is taken.
pub fn insert(conn: &mut Connection, people: &[User], author: &Author) -> db::Result<()> {
    queries::insert_users(conn, people)?;
    let (ids, at): (Vec<UserId>, Vec<Timestamp>) =
        people.iter().map(|user| (user.id, user.as_of)).unzip();
    // Long ago: what moved lately is kept in the memory of every instance for a while.
    standing::insert_many(
        conn,
        &ids,
        at.first().copied().unwrap_or(Timestamp::from_micros(0)),
    )?;
    history::revise_many(conn, author, people.iter().map(User::revision).collect())
}

/// Writes new roles that manage nothing, with their first revisions.
///
/// # Errors
/// When the database is away, or a name is taken.
pub fn insert_roles(
    conn: &mut Connection,
    names: &[String],
    at: Timestamp,
    author: &Author,
) -> db::Result<()> {
    const DESCRIPTION: &str = "Made up for measuring";
    queries::insert_roles(conn, names, DESCRIPTION, at)?;
    let revision = |name: &String| Revision {
        entity: "role",
        entity_id: RoleId::of_name(&["role", name]).uuid(),
        version: 1,
        as_of: at,
        data: json!({
            "name": name,
            "description": DESCRIPTION,
            "manages_roles": [],
            "manages_grants_on": [],
        }),
    };
    history::revise_many(conn, author, names.iter().map(revision).collect())
}
