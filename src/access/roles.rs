//! What somebody holds: global roles, and roles on single things; now, or as it stood at an instant.

use super::Access;
use super::grant::Grant;
use super::list::{GrantFilter, list_live, list_past};
use super::past::{Moment, PastError};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::Connection;
use crate::users::{self, User};
use crate::web::Page;

/// What is asked about a person.
#[derive(Clone, Debug, Default)]
pub struct RolesWanted {
    /// Their grants that this takes; `None`: not asked for. Whose they are is filled in.
    pub grants: Option<GrantFilter>,
    /// At most so many.
    pub limit: usize,
    /// When; `None`: now.
    pub as_of: Option<Timestamp>,
}

/// The answer.
#[derive(Debug)]
pub struct RolesHeld {
    /// Their global roles.
    pub roles: Vec<String>,
    /// A page of their grants.
    pub grants: Option<Page<Grant>>,
    /// When it stood so, where the past was asked about.
    pub moment: Option<Moment>,
}

impl Access {
    /// What a person holds.
    ///
    /// # Errors
    /// `UserUnknown` for nobody, or for whoever was not there yet; `Future`; or the database is away.
    pub async fn roles_of(
        &self,
        user: UserId,
        wanted: RolesWanted,
    ) -> Result<RolesHeld, PastError> {
        let (database, today) = (self.database.clone(), self.clock.now());
        self.database
            .read(move |conn| {
                let RolesWanted {
                    grants,
                    limit,
                    as_of,
                } = wanted;
                let of_them = |filter| GrantFilter {
                    user: Some(user),
                    ..filter
                };
                let filter = grants.map(of_them);
                let moment = as_of
                    .map(|at| Moment::of(conn, &database, at))
                    .transpose()?;
                let person = find_person(conn, user, as_of)?.ok_or(PastError::UserUnknown)?;
                let grants = match (filter, as_of) {
                    (None, _) => None,
                    (Some(filter), None) => Some(list_live(conn, &filter, today, limit)?),
                    (Some(filter), Some(at)) => Some(list_past(conn, &filter, at, limit)?),
                };
                Ok(RolesHeld {
                    roles: person.roles,
                    grants,
                    moment,
                })
            })
            .await
    }

    /// Those people of a batch that there were at an instant, by id or by a name that they have or had, each once.
    ///
    /// # Errors
    /// `Future`, or when the database is away.
    pub async fn find_people_as_of(
        &self,
        ids: Vec<String>,
        at: Timestamp,
    ) -> Result<(Vec<User>, Moment), PastError> {
        let database = self.database.clone();
        self.database
            .read(move |conn| {
                let moment = Moment::of(conn, &database, at)?;
                let mut found: Vec<User> = Vec::new();
                for name in ids {
                    let id = users::find_ever(conn, &name)?;
                    let id = id.filter(|id| found.iter().all(|user| user.id != *id));
                    if let Some(id) = id {
                        found.extend(users::find_as_of(conn, id, at)?);
                    }
                }
                Ok((found, moment))
            })
            .await
    }
}

fn find_person(
    conn: &mut Connection,
    user: UserId,
    as_of: Option<Timestamp>,
) -> Result<Option<User>, PastError> {
    Ok(match as_of {
        None => users::find(conn, user)?,
        Some(at) => users::find_as_of(conn, user, at)?,
    })
}
