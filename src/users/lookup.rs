//! Finds and lists users.

use super::fields::Username;
use super::queries::ManagedUsers;
use super::{ManagementRights, User, UserCursor, Users, queries};
use crate::base::ids::UserId;
use crate::db::{self, Connection};

/// Why a user was not found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// No user has this ID or username.
    #[error("no user has this ID or username")]
    Unknown,
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Where in the list of users a page starts, or ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UserListPosition {
    /// The page starts with the first user.
    #[default]
    Start,
    /// The page starts after a user.
    After(UserCursor),
    /// The page ends before a user.
    Before(UserCursor),
}

/// Which users to list.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Only the user with exactly this username, in lower case.
    pub username: Option<String>,
    /// Only users with exactly this email address.
    pub email: Option<String>,
    /// Only users with this role.
    pub role: Option<String>,
    /// Only users whose username, display name or email address contains this text, ignoring case and accents.
    pub search: Option<String>,
    /// The position in the list.
    pub from: UserListPosition,
    /// Only users whom this user may manage.
    pub managed_by: Option<UserId>,
}

/// Resolves an ID or a username to an ID, without checking that the ID exists.
pub(crate) fn resolve(conn: &mut Connection, id_or_name: &str) -> Result<UserId, LookupError> {
    if let Some(id) = UserId::parse(id_or_name) {
        return Ok(id);
    }
    // An invalid username belongs to no user, so no query is needed.
    let name = Username::parse(id_or_name).map_err(|_| LookupError::Unknown)?;
    queries::find_id_by_username(conn, name.as_str())?.ok_or(LookupError::Unknown)
}

impl Users {
    /// Resolves an ID or a username to an ID, without checking that the ID exists.
    pub async fn resolve(&self, id_or_name: &str) -> Result<UserId, LookupError> {
        if let Some(id) = UserId::parse(id_or_name) {
            return Ok(id);
        }
        let name = id_or_name.to_owned();
        self.database.read(move |conn| resolve(conn, &name)).await
    }

    /// Finds a user by ID or username.
    pub async fn find(&self, id_or_name: &str) -> Result<User, LookupError> {
        let name = id_or_name.to_owned();
        self.database
            .read(move |conn| {
                let id = resolve(conn, &name)?;
                queries::find_user(conn, id)?.ok_or(LookupError::Unknown)
            })
            .await
    }

    /// Lists at most `limit` users, sorted by name.
    pub async fn list(&self, filter: UserFilter, limit: i64) -> Result<Vec<User>, LookupError> {
        self.database
            .read(move |conn| {
                let Some(manager) = filter.managed_by else {
                    return Ok(queries::list_users(conn, &filter, None, limit)?);
                };
                let rights = ManagementRights::of(conn, manager)?;
                let visible = ManagedUsers {
                    roles: &rights.manages_roles,
                    except: manager,
                };
                let visible = Some(&visible).filter(|_| !rights.is_administrator);
                Ok(queries::list_users(conn, &filter, visible, limit)?)
            })
            .await
    }

    /// Finds users by ID or username, each once, in the order of `ids`. Unknown users are left out.
    pub async fn find_many(&self, ids: Vec<String>) -> Result<Vec<User>, LookupError> {
        self.database
            .read(move |conn| Ok(find_each(conn, ids)?))
            .await
    }

    /// Like [`Users::find`], but returns `None` for users whom `manager` may not manage, as if they didn't exist.
    pub async fn find_managed(
        &self,
        manager: UserId,
        id_or_name: &str,
    ) -> db::Result<Option<User>> {
        let found = self.find_managed_many(manager, vec![id_or_name.to_owned()]);
        Ok(found.await?.into_iter().next())
    }

    /// Like [`Users::find_many`], without the users whom `manager` may not manage.
    pub async fn find_managed_many(
        &self,
        manager: UserId,
        ids: Vec<String>,
    ) -> db::Result<Vec<User>> {
        self.database
            .read(move |conn| {
                let rights = ManagementRights::of(conn, manager)?;
                // A user who manages no users learns nothing, not even from the response time.
                if rights.manages_no_users() {
                    return Ok(Vec::new());
                }
                let mut found = find_each(conn, ids)?;
                found.retain(|user| rights.may_manage(manager, user));
                Ok(found)
            })
            .await
    }
}

fn find_each(conn: &mut Connection, ids: Vec<String>) -> db::Result<Vec<User>> {
    let mut found: Vec<User> = Vec::new();
    for name in ids {
        let id = match resolve(conn, &name) {
            Ok(id) => id,
            Err(LookupError::Unknown) => continue,
            Err(LookupError::Database(error)) => return Err(error),
        };
        if found.iter().all(|user| user.id != id) {
            found.extend(queries::find_user(conn, id)?);
        }
    }
    Ok(found)
}
