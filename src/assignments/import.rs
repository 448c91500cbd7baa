//! Imports role assignments in batches. Each batch is one transaction.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::assignment::{RoleAssignment, RoleAssignmentTerms};
use super::{Assignments, ResourceName, queries};
use crate::account_state::{self, ChangePending};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::history::{Author, Event};
use crate::users;

const MAX_CONCURRENT_PUBLISHES: usize = 8;

/// The target state of one assignment.
#[derive(Clone, Debug)]
pub struct ImportLine {
    /// Line number for error messages.
    pub number: u64,
    /// ID or username of the user.
    pub user: String,
    /// Resource of the assignment.
    pub resource: ResourceName,
    /// New terms, which replace all present ones; `None` deletes the assignment.
    pub terms: Option<RoleAssignmentTerms>,
}

/// Counts of what a batch changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Number of assignments created or assigned again.
    pub created: u64,
    /// Number of assignments updated.
    pub updated: u64,
    /// Number of assignments deleted.
    pub deleted: u64,
    /// Number of assignments that already had the target state.
    pub unchanged: u64,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// No user has this ID or username.
    #[error("no user has this ID or username")]
    UserUnknown,
    /// The expiry time is not in the future.
    #[error("valid_until must be in the future")]
    Past,
}

/// Why a batch was not stored, or is not yet in force.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A line is invalid (its number and the reason); nothing of its batch was stored.
    #[error("line {0}: {1}")]
    Line(u64, LineFault),
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The whole batch is committed but not yet in force.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The current state of each assignment of a batch; `None` if it has no row.
type CurrentAssignments = HashMap<(UserId, ResourceName), Option<RoleAssignment>>;

impl Assignments {
    /// Applies a batch of lines in their order. An assignment that already has its target state gets no new version, so that a
    /// batch can safely be repeated.
    ///
    /// # Errors
    /// An invalid line (unknown users are found before other faults), or [`ImportError::Pending`] if the batch is committed but not yet in force.
    pub async fn import(
        &self,
        lines: Vec<ImportLine>,
        acting: ActingAs,
    ) -> Result<Imported, ImportError> {
        let (database, today) = (self.database.clone(), self.clock.now());
        let (imported, users) = self
            .database
            .write(move |conn| {
                let holders = find_holders(conn, &lines)?;
                let users: BTreeSet<UserId> = holders.iter().copied().collect();
                let users = Vec::from_iter(users);
                let author = acting.check(conn, &users)?;
                let locked = account_state::lock_all(conn, &users)?;
                let mut current = find_current(conn, &lines, &holders, &locked)?;
                // Taken after the locks and all other reads, because a transaction must commit soon after its instant.
                let now = database.now(conn)?;
                let mut batch = Batch {
                    imported: Imported::default(),
                    changed_users: BTreeSet::new(),
                    today,
                    now,
                    author: &author,
                };
                for (line, user) in lines.into_iter().zip(holders) {
                    batch.store(conn, line, user, &mut current)?;
                }
                let changed_users = Vec::from_iter(batch.changed_users);
                account_state::bump_versions(conn, &changed_users, now)?;
                Ok::<_, ImportError>((batch.imported, users))
            })
            .await?;
        // Also publishes users that did not change: this may be the retry of a batch that is not yet in force.
        let mut publishing = stream::iter(users)
            .map(|user| self.account_states.publish(user))
            .buffer_unordered(MAX_CONCURRENT_PUBLISHES);
        while let Some(published) = publishing.next().await {
            published?;
        }
        Ok(imported)
    }
}

/// Returns the user ID of each line.
fn find_holders(conn: &mut Connection, lines: &[ImportLine]) -> Result<Vec<UserId>, ImportError> {
    let mut known: HashMap<&str, UserId> = HashMap::new();
    let mut holders = Vec::with_capacity(lines.len());
    for line in lines {
        let holder = match known.get(line.user.as_str()) {
            Some(holder) => *holder,
            None => {
                let found = users::resolve(conn, &line.user).map_err(|error| match error {
                    users::LookupError::Unknown => {
                        ImportError::Line(line.number, LineFault::UserUnknown)
                    }
                    users::LookupError::Database(error) => error.into(),
                })?;
                known.insert(&line.user, found);
                found
            }
        };
        holders.push(holder);
    }
    Ok(holders)
}

fn find_current(
    conn: &mut Connection,
    lines: &[ImportLine],
    holders: &[UserId],
    locked: &[UserId],
) -> Result<CurrentAssignments, ImportError> {
    let locked: BTreeSet<UserId> = locked.iter().copied().collect();
    let mut current = CurrentAssignments::new();
    for (line, user) in lines.iter().zip(holders) {
        if !locked.contains(user) {
            return Err(ImportError::Line(line.number, LineFault::UserUnknown));
        }
        if let Entry::Vacant(place) = current.entry((*user, line.resource.clone())) {
            place.insert(queries::find_assignment_of(conn, *user, &line.resource)?);
        }
    }
    Ok(current)
}

struct Batch<'a> {
    imported: Imported,
    /// Users whose assignments changed.
    changed_users: BTreeSet<UserId>,
    today: Timestamp,
    now: Timestamp,
    author: &'a Author,
}

impl Batch<'_> {
    fn store(
        &mut self,
        conn: &mut Connection,
        line: ImportLine,
        user: UserId,
        current: &mut CurrentAssignments,
    ) -> Result<(), ImportError> {
        let until = line.terms.as_ref().and_then(|terms| terms.valid_until);
        let place = current.entry((user, line.resource.clone())).or_default();
        let before = place.clone();
        let after = match (line.terms, &before) {
            (Some(terms), Some(before)) => Some(before.on(terms)),
            (Some(terms), None) => Some(RoleAssignment::new(
                user,
                line.resource,
                terms,
                self.now,
                self.author,
            )),
            (None, Some(before)) => Some(before.without_roles()),
            (None, None) => None,
        };
        let Some(mut assignment) = after.filter(|after| before.as_ref() != Some(after)) else {
            self.imported.unchanged = self.imported.unchanged.saturating_add(1);
            return Ok(());
        };
        if until.is_some_and(|until| until <= self.today) {
            return Err(ImportError::Line(line.number, LineFault::Past));
        }
        let event = Event::done(self.count(&assignment, before.as_ref()));
        assignment.store(conn, before.as_ref(), event, self.now, self.author)?;
        self.changed_users.insert(user);
        *place = Some(assignment);
        Ok(())
    }

    /// Counts a change and returns its audit action.
    fn count(
        &mut self,
        assignment: &RoleAssignment,
        before: Option<&RoleAssignment>,
    ) -> &'static str {
        let was_live = before.is_some_and(|before| before.is_live_at(self.today));
        let (count, action) = if assignment.is_deleted() {
            (&mut self.imported.deleted, "role_assignment.deleted")
        } else if was_live {
            (&mut self.imported.updated, "role_assignment.updated")
        } else {
            (&mut self.imported.created, "role_assignment.created")
        };
        *count = count.saturating_add(1);
        action
    }
}
