//! Reads a user's global roles and role assignments, now or at an earlier instant.

use super::Assignments;
use super::assignment::RoleAssignment;
use super::list::{RoleAssignmentFilter, list_live, list_past};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::history::{PastInstant, PastInstantError};
use crate::users::{self, ManagementRights, User};
use crate::web::Page;

/// What to read about a user.
#[derive(Clone, Debug, Default)]
pub struct UserRolesQuery {
    /// Filter for the user's assignments; its `user` is overwritten. `None`: don't read assignments.
    pub role_assignments: Option<RoleAssignmentFilter>,
    /// Maximum number of assignments in the page.
    pub limit: usize,
    /// Instant to read the roles at; `None`: now.
    pub as_of: Option<Timestamp>,
    /// Manager for whom past global roles are returned only if the manager, with their present roles, may manage the user as of
    /// that instant. `None`: the caller may read every user.
    pub managed_by: Option<UserId>,
}

/// A user's roles.
#[derive(Debug)]
pub struct UserRoles {
    /// Global roles; `None` if the manager may not read those of that instant.
    pub roles: Option<Vec<String>>,
    /// Page of assignments, if requested.
    pub role_assignments: Option<Page<RoleAssignment>>,
    /// Instant that was read, if it was in the past.
    pub instant: Option<PastInstant>,
}

/// Why a user's roles can't be read.
#[derive(Debug, thiserror::Error)]
pub enum UserRolesError {
    /// There was no user with this ID or username.
    #[error("no user had this ID or username")]
    UserUnknown,
    /// The instant can't be read: it is in the future, or the database failed.
    #[error(transparent)]
    Instant(#[from] PastInstantError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Assignments {
    /// Reads a user's global roles and assignments.
    ///
    /// # Errors
    /// [`UserRolesError::UserUnknown`] if the user doesn't exist, didn't exist at the instant, or nothing about the user may be
    /// returned to the manager; [`UserRolesError::Instant`] as from [`PastInstant::check`].
    pub async fn roles_of(
        &self,
        user: UserId,
        query: UserRolesQuery,
    ) -> Result<UserRoles, UserRolesError> {
        let (database, today) = (self.database.clone(), self.clock.now());
        self.database
            .read(move |conn| {
                let UserRolesQuery {
                    role_assignments,
                    limit,
                    as_of,
                    managed_by,
                } = query;
                let filter = role_assignments.map(|filter| RoleAssignmentFilter {
                    user: Some(user),
                    ..filter
                });
                let instant = as_of
                    .map(|at| PastInstant::check(conn, &database, at))
                    .transpose()?;
                let found = find_user(conn, user, as_of)?.ok_or(UserRolesError::UserUnknown)?;
                let are_visible = match managed_by.filter(|_| as_of.is_some()) {
                    Some(manager) => {
                        ManagementRights::of(conn, manager)?.may_manage(manager, &found)
                    }
                    None => true,
                };
                if !are_visible && filter.is_none() {
                    return Err(UserRolesError::UserUnknown);
                }
                let role_assignments = match (filter, as_of) {
                    (None, _) => None,
                    (Some(filter), None) => Some(list_live(conn, &filter, today, limit)?),
                    (Some(filter), Some(at)) => Some(list_past(conn, &filter, at, limit)?),
                };
                Ok(UserRoles {
                    roles: are_visible.then_some(found.roles),
                    role_assignments,
                    instant,
                })
            })
            .await
    }

    /// Looks up a batch of users at an instant, by ID or by a current or earlier username, each returned once. For a manager only
    /// the users whom the manager may manage both as they are now and as they were then.
    ///
    /// # Errors
    /// [`PastInstantError::Future`] if the instant is in the future.
    pub async fn find_users_as_of(
        &self,
        ids: Vec<String>,
        at: Timestamp,
        managed_by: Option<UserId>,
    ) -> Result<(Vec<User>, PastInstant), PastInstantError> {
        let database = self.database.clone();
        self.database
            .read(move |conn| {
                let instant = PastInstant::check(conn, &database, at)?;
                let mut found: Vec<User> = Vec::new();
                for name in ids {
                    let id = users::find_current_or_former(conn, &name)?;
                    let id = id.filter(|id| found.iter().all(|user| user.id != *id));
                    if let Some(id) = id {
                        found.extend(find_managed_as_of(conn, managed_by, id, at)?);
                    }
                }
                Ok((found, instant))
            })
            .await
    }
}

fn find_user(
    conn: &mut Connection,
    user: UserId,
    as_of: Option<Timestamp>,
) -> db::Result<Option<User>> {
    match as_of {
        None => users::find(conn, user),
        Some(at) => users::find_as_of(conn, user, at),
    }
}

/// Returns a user as of an instant, if the manager may manage the user in the present and in the past state.
fn find_managed_as_of(
    conn: &mut Connection,
    managed_by: Option<UserId>,
    user: UserId,
    at: Timestamp,
) -> db::Result<Option<User>> {
    let past = users::find_as_of(conn, user, at)?;
    let Some(manager) = managed_by else {
        return Ok(past);
    };
    let rights = ManagementRights::of(conn, manager)?;
    let present = users::find(conn, user)?;
    let is_managed = present.is_some_and(|user| rights.may_manage(manager, &user));
    Ok(past.filter(|user| is_managed && rights.may_manage(manager, user)))
}
