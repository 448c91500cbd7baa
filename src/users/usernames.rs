//! Current and former usernames: how often a user may be renamed, and which usernames may be released.
//!
//! A username stays reserved after its user was renamed, because others may still trust it. Renaming is therefore
//! limited: otherwise anyone who manages users could reserve any number of usernames. A username that was never used to
//! sign in may be released.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::fields::Username;
use super::permissions::Permit;
use super::{Users, queries};
use crate::base::clock::Timestamp;
use crate::base::config;
use crate::base::ids::UserId;
use crate::clients::ActingError;
use crate::db::{self, Connection};
use crate::history::{self, Event};

/// Whether a user may be given one more new username by callers who are not administrators. The caller holds the lock on the user's
/// account state.
pub(super) fn may_be_renamed(
    conn: &mut Connection,
    user: UserId,
    limits: config::Users,
    now: Timestamp,
) -> db::Result<bool> {
    let renames = queries::count_renames(conn, user, now.before(limits.rename_window))?;
    Ok(renames < i64::from(limits.max_renames))
}

/// A name that a user has or had.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsernameView {
    /// The name.
    pub username: String,
    /// Whether it is the user's current name.
    pub is_current: bool,
    /// When the user was renamed to it; `null` for their first name.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub renamed_at: Option<Timestamp>,
    /// When a session was first opened under it; `null` if never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
}

impl UsernameView {
    /// Whether an administrator may release it.
    pub fn is_releasable(&self) -> bool {
        !self.is_current && self.used_at.is_none()
    }
}

/// Why a username was not released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// No user has or had it.
    #[error("no user has or had this name")]
    Unknown,
    /// A user has it now.
    #[error("this is the current username of a user; rename the user first")]
    Current,
    /// A user has signed in with it.
    #[error("a user has signed in with this name, so it stays reserved")]
    Used,
    /// Only signed-in administrators and the command line may release usernames.
    #[error("only administrators, in their own session, may release a username")]
    NotPermitted,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Users {
    /// Lists the current and former usernames of a user.
    pub async fn list_usernames(&self, user: UserId) -> db::Result<Vec<UsernameView>> {
        self.database
            .read(move |conn| {
                let current = queries::find_user(conn, user)?.map(|user| user.username);
                let rows = queries::list_usernames(conn, user)?;
                let views = rows
                    .into_iter()
                    .map(|(username, renamed_at, used_at)| UsernameView {
                        is_current: current.as_ref() == Some(&username),
                        username,
                        renamed_at,
                        used_at,
                    });
                Ok(views.collect())
            })
            .await
    }

    /// Releases a former username that its user never signed in with, so that any user can be given it. Returns the ID
    /// of that user.
    pub async fn release_username(
        &self,
        name: Username,
        permit: Permit,
    ) -> Result<UserId, ReleaseError> {
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let name = name.as_str();
                let owner =
                    queries::find_by_any_username(conn, name)?.ok_or(ReleaseError::Unknown)?;
                // Renaming and signing in take the lock on the owner's account state too.
                let author = permit.acting.check(conn, &[owner])?;
                if !permit.permissions.is_administrator(conn)? {
                    return Err(ReleaseError::NotPermitted);
                }
                if !queries::delete_unused_username(conn, owner, name)? {
                    return Err(explain_not_releasable(conn, name)?);
                }
                let now = database.now(conn)?;
                let event = Event::done("username.released")
                    .subject(owner)
                    .details(json!({ "username": name }));
                history::record(conn, now, &author, event)?;
                Ok(owner)
            })
            .await
    }
}

fn explain_not_releasable(conn: &mut Connection, name: &str) -> db::Result<ReleaseError> {
    Ok(match queries::find_by_any_username(conn, name)? {
        None => ReleaseError::Unknown,
        Some(_) if queries::find_id_by_username(conn, name)?.is_some() => ReleaseError::Current,
        Some(_) => ReleaseError::Used,
    })
}
