//! Finds users as they were at an earlier time.

use serde_json::json;

use super::email_state::EmailState;
use super::fields::Username;
use super::{User, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::history;

/// Finds a user as they were at a time; `None` if they didn't exist yet.
pub fn find_as_of(conn: &mut Connection, id: UserId, at: Timestamp) -> db::Result<Option<User>> {
    let Some(revision) = history::find_as_of(conn, "user", id.uuid(), at)? else {
        return Ok(None);
    };
    let Some(current) = queries::find_user(conn, id)? else {
        return Ok(None);
    };
    let missing = [
        ("id", json!(id)),
        ("created_at", json!(current.created_at)),
        // Revisions from before the state was stored have no verified address.
        ("email_state", json!(EmailState::Unverified)),
    ];
    let user = revision
        .record(&missing)
        .map_err(|error| db::Error::Internal(format!("stored version of a user: {error}")))?;
    Ok(Some(user))
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
