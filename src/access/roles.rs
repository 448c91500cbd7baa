//! What somebody holds: global roles, and roles on single things; now, or as it stood at an instant.

use super::Access;
use super::grant::Grant;
use super::list::{GrantFilter, list_live, list_past};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::history::{PastInstant, PastInstantError};
use crate::users::{self, Rights, User};
use crate::web::Page;

/// What is asked about a person.
#[derive(Clone, Debug, Default)]
pub struct RolesWanted {
    /// Their grants that this takes; `None`: not asked for. Whose they are is filled in.
    pub grants: Option<GrantFilter>,
    /// At most so many.
    pub limit: usize,
    /// Instant to read the roles at; `None`: now.
    pub as_of: Option<Timestamp>,
    /// For whom the global roles of then are told only if they might manage the person then; `None`: for somebody who reads all.
    pub managed_by: Option<UserId>,
}

/// The answer.
#[derive(Debug)]
pub struct RolesHeld {
    /// Their global roles; `None`: then they were not the manager's to read.
    pub roles: Option<Vec<String>>,
    /// A page of their grants.
    pub grants: Option<Page<Grant>>,
    /// When it stood so, where the past was asked about.
    pub instant: Option<PastInstant>,
}

/// Why nobody can say what somebody holds, or held.
#[derive(Debug, thiserror::Error)]
pub enum RolesHeldError {
    /// There was nobody of this id or name.
    #[error("no user had this ID or username")]
    UserUnknown,
    /// The instant can't be asked about.
    #[error(transparent)]
    Instant(#[from] PastInstantError),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Access {
    /// What a person holds.
    ///
    /// # Errors
    /// `UserUnknown` for nobody, for whoever was not there yet, or of whom nothing is told; those of [`PastInstant::judge`]; or the database is away.
    pub async fn roles_of(
        &self,
        user: UserId,
        wanted: RolesWanted,
    ) -> Result<RolesHeld, RolesHeldError> {
        let (database, today) = (self.database.clone(), self.clock.now());
        self.database
            .read(move |conn| {
                let RolesWanted {
                    grants,
                    limit,
                    as_of,
                    managed_by,
                } = wanted;
                let of_them = |filter| GrantFilter {
                    user: Some(user),
                    ..filter
                };
                let filter = grants.map(of_them);
                let instant = as_of
                    .map(|at| PastInstant::judge(conn, &database, at))
                    .transpose()?;
                let person = find_person(conn, user, as_of)?.ok_or(RolesHeldError::UserUnknown)?;
                let is_told = match managed_by.filter(|_| as_of.is_some()) {
                    Some(manager) => Rights::of(conn, manager)?.may_manage(manager, &person),
                    None => true,
                };
                if !is_told && filter.is_none() {
                    return Err(RolesHeldError::UserUnknown);
                }
                let grants = match (filter, as_of) {
                    (None, _) => None,
                    (Some(filter), None) => Some(list_live(conn, &filter, today, limit)?),
                    (Some(filter), Some(at)) => Some(list_past(conn, &filter, at, limit)?),
                };
                Ok(RolesHeld {
                    roles: is_told.then_some(person.roles),
                    grants,
                    instant,
                })
            })
            .await
    }

    /// Those people of a batch that there were at an instant, by id or by a name that they have or had, each once; for a manager
    /// only those whom they may manage, as they are and as they were.
    ///
    /// # Errors
    /// `Future`, or when the database is away.
    pub async fn find_people_as_of(
        &self,
        ids: Vec<String>,
        at: Timestamp,
        managed_by: Option<UserId>,
    ) -> Result<(Vec<User>, PastInstant), PastInstantError> {
        let database = self.database.clone();
        self.database
            .read(move |conn| {
                let instant = PastInstant::judge(conn, &database, at)?;
                let mut found: Vec<User> = Vec::new();
                for name in ids {
                    let id = users::find_ever(conn, &name)?;
                    let id = id.filter(|id| found.iter().all(|user| user.id != *id));
                    if let Some(id) = id {
                        found.extend(find_for(conn, managed_by, id, at)?);
                    }
                }
                Ok((found, instant))
            })
            .await
    }
}

fn find_person(
    conn: &mut Connection,
    user: UserId,
    as_of: Option<Timestamp>,
) -> db::Result<Option<User>> {
    match as_of {
        None => users::find(conn, user),
        Some(at) => users::find_as_of(conn, user, at),
    }
}

/// A person as they stood at an instant, if the manager may manage them, now and then.
fn find_for(
    conn: &mut Connection,
    managed_by: Option<UserId>,
    user: UserId,
    at: Timestamp,
) -> db::Result<Option<User>> {
    let past = users::find_as_of(conn, user, at)?;
    let Some(manager) = managed_by else {
        return Ok(past);
    };
    let rights = Rights::of(conn, manager)?;
    let present = users::find(conn, user)?;
    let is_theirs = present.is_some_and(|person| rights.may_manage(manager, &person));
    Ok(past.filter(|person| is_theirs && rights.may_manage(manager, person)))
}
