//! Finds who assigned a role that a user holds: the author of the version that added it last, not of later ones that kept it.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use uuid::Uuid;

use super::versions::{Maker, roles_of};
use crate::access::Grant;
use crate::base::clock::Timestamp;
use crate::base::ids::{GrantId, UserId};
use crate::db::{self, Connection, Database};
use crate::history::{self, StoredRevision};

/// Maximum number of versions of one record that are searched.
const MOST_SEARCHED: usize = 1000;
/// Versions read per query.
const CHUNK: i64 = 50;

/// The change that assigned a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Giver {
    /// Time of the change.
    pub since: Timestamp,
    /// Author of the change.
    pub by: Maker,
}

/// Who assigned each role. A role is left out if it was assigned more than `MOST_SEARCHED` versions ago.
pub type Givers = HashMap<String, Giver>;

/// The version at which the search starts.
struct Stood {
    version: i64,
    giver: Giver,
    roles: BTreeSet<String>,
}

impl Stood {
    fn of(revision: &StoredRevision) -> Self {
        Self {
            version: revision.version,
            giver: giver_in(revision),
            roles: roles_of(revision),
        }
    }

    fn of_grant(grant: &Grant) -> Self {
        Self {
            version: grant.version,
            giver: Giver {
                since: grant.as_of,
                by: (grant.by_user, grant.by_client),
            },
            roles: grant.roles.iter().cloned().collect(),
        }
    }
}

/// For each global role that a user held at an instant, who had assigned it.
pub async fn list_role_givers(
    database: &Database,
    user: UserId,
    at: Timestamp,
) -> db::Result<Givers> {
    database
        .read(
            move |conn| match history::find_as_of(conn, "user", user.uuid(), at)? {
                Some(found) => search(conn, "user", user.uuid(), Stood::of(&found)),
                None => Ok(Givers::new()),
            },
        )
        .await
}

/// For each role of each of these role assignments, in the given versions, who had assigned it.
pub async fn list_grant_givers(
    database: &Database,
    grants: &[Grant],
) -> db::Result<HashMap<GrantId, Givers>> {
    let stood: Vec<(GrantId, Stood)> = grants
        .iter()
        .map(|grant| (grant.id, Stood::of_grant(grant)))
        .collect();
    database
        .read(move |conn| {
            let mut givers = HashMap::new();
            for (id, stood) in stood {
                givers.insert(id, search(conn, "grant", id.uuid(), stood)?);
            }
            Ok(givers)
        })
        .await
}

/// Reads older versions, for as long as a role was held without a gap.
fn search(conn: &mut Connection, kind: &'static str, id: Uuid, stood: Stood) -> db::Result<Givers> {
    let mut held = stood.roles;
    let mut givers: Givers = held
        .iter()
        .map(|role| (role.clone(), stood.giver))
        .collect();
    let (mut version, mut since) = (stood.version, stood.giver.since);
    let mut looked = 0_usize;
    while !held.is_empty() && version > 1 {
        if looked >= MOST_SEARCHED {
            givers.retain(|role, _| !held.contains(role));
            break;
        }
        let older = history::list_revisions(conn, kind, id, Some(version), CHUNK)?;
        if older.is_empty() {
            break;
        }
        for revision in older {
            looked = looked.saturating_add(1);
            let giver = giver_in(&revision);
            if has_ended(&revision, since) {
                held.clear();
            }
            held = &held & &roles_of(&revision);
            for role in &held {
                givers.insert(role.clone(), giver);
            }
            (version, since) = (revision.version, giver.since);
        }
    }
    Ok(givers)
}

fn giver_in(revision: &StoredRevision) -> Giver {
    Giver {
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
