//! Finding people.

use super::fields::Username;
use super::queries::Reach;
use super::{Rights, User, UserCursor, Users, queries};
use crate::base::ids::UserId;
use crate::db::{self, Connection};

/// Why somebody was not found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// There is nobody of this id or name.
    #[error("no user has this ID or username")]
    Unknown,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Where in the list of users a page begins, or ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UserPlace {
    /// It begins with the first user.
    #[default]
    Start,
    /// It begins after a user.
    After(UserCursor),
    /// It ends before a user.
    Before(UserCursor),
}

/// Whom to list.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Exactly this name, folded.
    pub username: Option<String>,
    /// Exactly this address.
    pub email: Option<String>,
    /// Only users with this role.
    pub role: Option<String>,
    /// Only users whose username, display name or email address contains this text, ignoring case and accents.
    pub search: Option<String>,
    /// Which part of the list.
    pub from: UserPlace,
    /// Whom this person may manage, and nobody else.
    pub managed_by: Option<UserId>,
}

/// The id that an id or a username names, without looking whether an id exists.
pub(crate) fn resolve(conn: &mut Connection, id_or_name: &str) -> Result<UserId, LookupError> {
    if let Some(id) = UserId::parse(id_or_name) {
        return Ok(id);
    }
    // What can be nobody's name is nobody, without asking.
    let name = Username::parse(id_or_name).map_err(|_| LookupError::Unknown)?;
    queries::find_id_by_username(conn, name.as_str())?.ok_or(LookupError::Unknown)
}

/// One person, on the caller's connection; `None`: nobody.
pub fn find(conn: &mut Connection, id: UserId) -> db::Result<Option<User>> {
    queries::find_user(conn, id)
}

/// The ids of active people in their order, after one of them, on the caller's connection.
pub fn list_ids(
    conn: &mut Connection,
    after: Option<UserId>,
    limit: i64,
) -> db::Result<Vec<UserId>> {
    queries::list_ids(conn, after, limit)
}

impl Users {
    /// The id that an id or a username names.
    ///
    /// # Errors
    /// `Unknown` for a name that nobody has.
    pub async fn resolve(&self, id_or_name: &str) -> Result<UserId, LookupError> {
        if let Some(id) = UserId::parse(id_or_name) {
            return Ok(id);
        }
        let name = id_or_name.to_owned();
        self.database.read(move |conn| resolve(conn, &name)).await
    }

    /// One person, by id or username.
    ///
    /// # Errors
    /// `Unknown` when there is nobody.
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
                let rights = Rights::of(conn, manager)?;
                let reach = Reach {
                    roles: &rights.manages_roles,
                    except: manager,
                };
                let reach = Some(&reach).filter(|_| !rights.is_administrator);
                Ok(queries::list_users(conn, &filter, reach, limit)?)
            })
            .await
    }

    /// Those of a batch that there are, by id or username, each once, in the order asked.
    pub async fn find_many(&self, ids: Vec<String>) -> Result<Vec<User>, LookupError> {
        self.database
            .read(move |conn| Ok(find_each(conn, ids)?))
            .await
    }

    /// As [`Users::find`], but only somebody whom `manager` may manage: whoever else there is, is `None` as if nobody were.
    pub async fn find_managed(
        &self,
        manager: UserId,
        id_or_name: &str,
    ) -> db::Result<Option<User>> {
        let found = self.find_managed_many(manager, vec![id_or_name.to_owned()]);
        Ok(found.await?.into_iter().next())
    }

    /// As [`Users::find_many`], without those whom `manager` may not manage.
    pub async fn find_managed_many(
        &self,
        manager: UserId,
        ids: Vec<String>,
    ) -> db::Result<Vec<User>> {
        self.database
            .read(move |conn| {
                let rights = Rights::of(conn, manager)?;
                // Who manages nobody learns nothing, not even by how long the answer takes.
                if rights.manages_nobody() {
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
