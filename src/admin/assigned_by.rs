//! Finds who assigned a role that a user holds: the author of the version that added it last, not of later ones that kept it.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use uuid::Uuid;

use super::versions::{ActorIds, roles_of};
use crate::assignments::RoleAssignment;
use crate::base::clock::Timestamp;
use crate::base::ids::{RoleAssignmentId, UserId};
use crate::db::{self, Connection, Database};
use crate::history::{self, StoredRevision};

/// Maximum number of versions of one record that are searched.
const MAX_REVISIONS_SEARCHED: usize = 1000;
/// Versions read per query.
const CHUNK: i64 = 50;

/// The change that assigned a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignedBy {
    /// Time of the change.
    pub since: Timestamp,
    /// Author of the change.
    pub by: ActorIds,
}

/// Who assigned each role. A role is left out if it was assigned more than `MAX_REVISIONS_SEARCHED` versions ago.
pub type AssignedByRole = HashMap<String, AssignedBy>;

/// The version at which the search starts.
struct Snapshot {
    version: i64,
    assigner: AssignedBy,
    roles: BTreeSet<String>,
}

impl Snapshot {
    fn of(revision: &StoredRevision) -> Self {
        Self {
            version: revision.version,
            assigner: assigner_in(revision),
            roles: roles_of(revision),
        }
    }

    fn of_assignment(assignment: &RoleAssignment) -> Self {
        Self {
            version: assignment.version,
            assigner: AssignedBy {
                since: assignment.as_of,
                by: (assignment.by_user, assignment.by_client),
            },
            roles: assignment.roles.iter().cloned().collect(),
        }
    }
}

/// For each global role that a user held at an instant, who had assigned it.
pub async fn find_role_assigners(
    database: &Database,
    user: UserId,
    at: Timestamp,
) -> db::Result<AssignedByRole> {
    database
        .read(
            move |conn| match history::find_as_of(conn, "user", user.uuid(), at)? {
                Some(found) => search(conn, "user", user.uuid(), Snapshot::of(&found)),
                None => Ok(AssignedByRole::new()),
            },
        )
        .await
}

/// For each role of each of these role assignments, in the given versions, who had assigned it.
pub async fn find_assignment_assigners(
    database: &Database,
    assignments: &[RoleAssignment],
) -> db::Result<HashMap<RoleAssignmentId, AssignedByRole>> {
    let snapshot: Vec<(RoleAssignmentId, Snapshot)> = assignments
        .iter()
        .map(|assignment| (assignment.id, Snapshot::of_assignment(assignment)))
        .collect();
    database
        .read(move |conn| {
            let mut assigners = HashMap::new();
            for (id, snapshot) in snapshot {
                assigners.insert(id, search(conn, "grant", id.uuid(), snapshot)?);
            }
            Ok(assigners)
        })
        .await
}

/// Reads older versions, for as long as a role was held without a gap.
fn search(
    conn: &mut Connection,
    kind: &'static str,
    id: Uuid,
    snapshot: Snapshot,
) -> db::Result<AssignedByRole> {
    let mut held = snapshot.roles;
    let mut assigners: AssignedByRole = held
        .iter()
        .map(|role| (role.clone(), snapshot.assigner))
        .collect();
    let (mut version, mut since) = (snapshot.version, snapshot.assigner.since);
    let mut searched = 0_usize;
    while !held.is_empty() && version > 1 {
        if searched >= MAX_REVISIONS_SEARCHED {
            assigners.retain(|role, _| !held.contains(role));
            break;
        }
        let older = history::list_revisions(conn, kind, id, Some(version), CHUNK)?;
        if older.is_empty() {
            break;
        }
        for revision in older {
            searched = searched.saturating_add(1);
            let assigner = assigner_in(&revision);
            if has_ended(&revision, since) {
                held.clear();
            }
            held = &held & &roles_of(&revision);
            for role in &held {
                assigners.insert(role.clone(), assigner);
            }
            (version, since) = (revision.version, assigner.since);
        }
    }
    Ok(assigners)
}

fn assigner_in(revision: &StoredRevision) -> AssignedBy {
    AssignedBy {
        since: revision.as_of,
        by: (revision.by_user, revision.by_client),
    }
}

/// Whether a version had expired (`valid_until`) when the next one began.
fn has_ended(revision: &StoredRevision, next: Timestamp) -> bool {
    let until = revision.data.get("valid_until").and_then(Value::as_str);
    until
        .and_then(Timestamp::parse)
        .is_some_and(|until| until <= next)
}
