//! Finds users as they were at an earlier time.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::email_state::EmailState;
use super::fields::Username;
use super::{User, queries};
use crate::account_state::UserStatus;
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::history;

/// The data of a user in a revision.
#[derive(Deserialize)]
struct UserRevisionData {
    username: String,
    email: Option<String>,
    // Revisions from before the state was stored have no verified address.
    #[serde(default)]
    email_state: EmailState,
    #[serde(default)]
    email_verified_at: Option<Timestamp>,
    #[serde(default)]
    email_verified_by: Option<UserId>,
    display_name: String,
    status: UserStatus,
    attributes: Map<String, Value>,
    roles: Vec<String>,
}

/// Finds a user as they were at a time; `None` if they didn't exist yet.
pub fn find_as_of(conn: &mut Connection, id: UserId, at: Timestamp) -> db::Result<Option<User>> {
    let Some(revision) = history::find_as_of(conn, "user", id.uuid(), at)? else {
        return Ok(None);
    };
    let Some(current) = queries::find_user(conn, id)? else {
        return Ok(None);
    };
    let record: UserRevisionData = serde_json::from_value(revision.data)
        .map_err(|error| db::Error::Internal(format!("stored version of a user: {error}")))?;
    Ok(Some(User {
        id,
        username: record.username,
        email: record.email,
        email_state: record.email_state,
        email_verified_at: record.email_verified_at,
        email_verified_by: record.email_verified_by,
        display_name: record.display_name,
        status: record.status,
        attributes: record.attributes,
        roles: record.roles,
        created_at: current.created_at,
        version: revision.version,
        as_of: revision.as_of,
    }))
}

/// Resolves an ID, or a current or former username, to the ID of its user. An ID is not checked to exist.
pub fn find_current_or_former(
    conn: &mut Connection,
    id_or_name: &str,
) -> db::Result<Option<UserId>> {
    if let Some(id) = UserId::parse(id_or_name) {
        return Ok(Some(id));
    }
    match Username::parse(id_or_name) {
        Ok(name) => queries::find_by_any_username(conn, name.as_str()),
        // An invalid username belongs to no user, so no query is needed.
        Err(_) => Ok(None),
    }
}
