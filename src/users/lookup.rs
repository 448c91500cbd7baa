//! Finding people.

use super::fields::Username;
use super::{User, Users, queries};
use crate::base::ids::UserId;
use crate::db::{self, Connection};

/// Why somebody was not found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// There is nobody of this id or name.
    #[error("there is nobody of this id or name")]
    Unknown,
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Whom to list.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Exactly this name, folded.
    pub username: Option<String>,
    /// Exactly this address.
    pub email: Option<String>,
    /// Who hold this role.
    pub role: Option<String>,
    /// Whose name, display name or address holds this text.
    pub search: Option<String>,
    /// Further on in the list than this person: the cursor.
    pub after: Option<UserId>,
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
///
/// # Errors
/// When the database is away.
pub fn find(conn: &mut Connection, id: UserId) -> db::Result<Option<User>> {
    queries::find_user(conn, id)
}

/// The ids of active people in their order, after one of them, on the caller's connection.
///
/// # Errors
/// When the database is away.
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

    /// At most `limit` people, by the order of their ids.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(&self, filter: UserFilter, limit: i64) -> Result<Vec<User>, LookupError> {
        self.database
            .read(move |conn| Ok(queries::list_users(conn, &filter, limit)?))
            .await
    }

    /// Those of a batch that there are, by id or username, each once, in the order asked.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn find_many(&self, ids: Vec<String>) -> Result<Vec<User>, LookupError> {
        self.database
            .read(move |conn| {
                let mut found: Vec<User> = Vec::new();
                for name in ids {
                    let id = match resolve(conn, &name) {
                        Ok(id) => id,
                        Err(LookupError::Unknown) => continue,
                        Err(error) => return Err(error),
                    };
                    if found.iter().any(|user| user.id == id) {
                        continue;
                    }
                    found.extend(queries::find_user(conn, id)?);
                }
                Ok(found)
            })
            .await
    }
}
