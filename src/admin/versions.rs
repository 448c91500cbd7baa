//! Versions of records from the history: the state of a record at an instant, and who made each version.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::clients;
use crate::db::{self, Connection, Database};
use crate::history::{self, PastInstant, PastInstantError, StoredRevision};
use crate::users::{ManagementRights, User};
use crate::web::{Page, rows_to_fetch};

/// A record with versions.
#[derive(Clone, Copy, Debug)]
pub struct Entity {
    /// Kind of the record in its revisions.
    pub kind: &'static str,
    /// ID of the record.
    pub id: Uuid,
}

impl Entity {
    /// The record of this kind with this ID.
    pub fn new(kind: &'static str, id: Uuid) -> Self {
        Self { kind, id }
    }
}

/// Which versions of a record a caller sees.
#[derive(Clone, Debug)]
pub enum Visibility {
    /// All of them.
    Everything,
    /// Versions from when these permissions covered this user, who owns the record.
    WhileManaged(ManagementRights, UserId),
}

impl Visibility {
    /// Whether the caller may see a version that is read for an instant; decided by the owner's roles at that instant.
    fn covers(
        &self,
        conn: &mut Connection,
        kind: &str,
        revision: &StoredRevision,
        at: Timestamp,
    ) -> db::Result<bool> {
        match self {
            Self::Everything => Ok(true),
            Self::WhileManaged(rights, _) if kind == USER => {
                Ok(rights.may_manage_holder(&Vec::from_iter(roles_of(revision))))
            }
            Self::WhileManaged(rights, owner) => {
                let owner = history::find_as_of(conn, USER, owner.uuid(), at)?;
                let roles = owner.as_ref().map(roles_of).unwrap_or_default();
                Ok(rights.may_manage_holder(&Vec::from_iter(roles)))
            }
        }
    }
}

/// Which names a caller sees beside a version; all others are shown as IDs.
#[derive(Clone, Copy, Debug)]
pub enum NameVisibility {
    /// All users' and clients' names.
    All,
    /// Only clients' names: the caller may not read users.
    Clients,
    /// The names of this user, and of the users whom this user manages now.
    ManagedBy(UserId),
}

/// What a caller sees of a history.
#[derive(Clone, Debug)]
pub struct View {
    /// The versions that the caller sees.
    pub visibility: Visibility,
    /// The names that the caller sees beside them.
    pub names: NameVisibility,
}

impl View {
    /// A view of all versions.
    pub fn all(names: NameVisibility) -> Self {
        Self {
            visibility: Visibility::Everything,
            names,
        }
    }
}

/// Kind of users in revisions.
const USER: &str = "user";

/// One version, and who made it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "as everywhere in the API")]
pub struct Version {
    /// Version, counted from 1.
    pub version: i64,
    /// When this version was stored.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// ID of the user who stored this version.
    #[schema(value_type = Option<Uuid>)]
    pub by_user: Option<UserId>,
    /// The user's current name; `null` if the caller may not read it.
    pub by_username: Option<String>,
    /// ID of the client that stored this version, or through which the user did.
    #[schema(value_type = Option<Uuid>)]
    pub by_client: Option<ClientId>,
    /// The client's current name; `null` if the caller may not read it.
    pub by_client_name: Option<String>,
    /// The record, without secrets.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// A record at a past time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Past {
    /// Version of the record at that time.
    pub item: Version,
    #[serde(flatten)]
    pub instant: PastInstant,
}

/// One of several records, with its version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PastItem {
    /// ID of the entity.
    pub id: Uuid,
    /// Version of the record at that time.
    #[serde(flatten)]
    pub version: Version,
}

/// Records at a past time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PastItems {
    /// The records that existed.
    pub items: Vec<PastItem>,
    #[serde(flatten)]
    pub instant: PastInstant,
}

/// Why a version can't be read.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The instant is in the future, or the database could not check it.
    #[error(transparent)]
    Instant(#[from] PastInstantError),
    /// The record did not exist, or the caller may not see it.
    #[error("it did not exist")]
    Unknown,
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Returns the version of a record at an instant. A record that had been deleted by then, or that the caller may not see, is not
/// found.
pub async fn find_as_of(
    database: &Database,
    entity: Entity,
    at: Timestamp,
    view: View,
) -> Result<Past, VersionError> {
    let found = list_as_of(database, entity.kind, vec![entity.id], at, view).await?;
    let item = found.items.into_iter().next();
    Ok(Past {
        item: item.ok_or(VersionError::Unknown)?.version,
        instant: found.instant,
    })
}

/// The versions of these records of one kind at an instant. Records that did not exist then, or that the caller may not see,
/// are left out.
pub async fn list_as_of(
    database: &Database,
    kind: &'static str,
    ids: Vec<Uuid>,
    at: Timestamp,
    view: View,
) -> Result<PastItems, VersionError> {
    let clock = database.clone();
    database
        .read(move |conn| {
            let instant = PastInstant::check(conn, &clock, at)?;
            let mut found = Vec::new();
            for id in ids {
                let snapshot = history::find_as_of(conn, kind, id, at)?;
                let Some(snapshot) = snapshot.filter(|snapshot| existed(kind, snapshot)) else {
                    continue;
                };
                if view.visibility.covers(conn, kind, &snapshot, at)? {
                    found.push(snapshot);
                }
            }
            let ids: Vec<Uuid> = found.iter().map(|found| found.entity_id).collect();
            let versions = named(conn, found, view.names)?;
            let items = ids.into_iter().zip(versions);
            let items = items.map(|(id, version)| PastItem { id, version });
            let items = items.collect();
            Ok(PastItems { items, instant })
        })
        .await
}

/// The versions of a record, newest first; with `before`, only those before it. Versions that the caller may not see are
/// skipped, and don't count towards `limit`.
///
/// # Errors
/// `Unknown` if the first page would be empty: the record never existed, or the caller may see no version of it.
pub async fn list(
    database: &Database,
    entity: Entity,
    (before, limit): (Option<i64>, usize),
    view: View,
) -> Result<Page<Version>, VersionError> {
    database
        .read(move |conn| {
            let fetch = rows_to_fetch(limit);
            let (mut found, mut next) = (Vec::new(), before);
            loop {
                let read = history::list_revisions(conn, entity.kind, entity.id, next, fetch)?;
                let is_last = read.len() <= limit;
                next = read.last().map(|last| last.version);
                for one in read {
                    if view.visibility.covers(conn, entity.kind, &one, one.as_of)? {
                        found.push(one);
                    }
                }
                if is_last || found.len() > limit {
                    break;
                }
            }
            if found.is_empty() && before.is_none() {
                return Err(VersionError::Unknown);
            }
            let versions = named(conn, found, view.names)?;
            Ok(Page::from_rows(versions, limit, |version| {
                version.version.to_string()
            }))
        })
        .await
}

/// Whether the record existed in this version. A deleted role assignment has no roles; other deleted records have `deleted`.
fn existed(kind: &str, revision: &StoredRevision) -> bool {
    let roles = revision.data.get("roles").and_then(Value::as_array);
    let is_without_roles = kind == "grant" && roles.is_some_and(Vec::is_empty);
    !is_without_roles && revision.data.get("deleted") != Some(&Value::Bool(true))
}

/// Author of a version: a user, a client, or a user through a client.
pub type ActorIds = (Option<UserId>, Option<ClientId>);

/// The names of authors.
#[derive(Debug, Default)]
pub struct ActorNames {
    users: HashMap<UserId, String>,
    clients: HashMap<ClientId, String>,
}

impl ActorNames {
    /// A user's current username.
    pub fn user(&self, id: Option<UserId>) -> Option<&str> {
        self.users.get(&id?).map(String::as_str)
    }

    /// A client's current name.
    pub fn client(&self, id: Option<ClientId>) -> Option<&str> {
        self.clients.get(&id?).map(String::as_str)
    }

    fn find(conn: &mut Connection, actors: &[ActorIds], names: NameVisibility) -> db::Result<Self> {
        let rights = match names {
            NameVisibility::ManagedBy(manager) => {
                Some((manager, ManagementRights::of(conn, manager)?))
            }
            NameVisibility::All | NameVisibility::Clients => None,
        };
        let is_seen = |user: &User| match &rights {
            Some((manager, rights)) => user.id == *manager || rights.may_manage(*manager, user),
            None => matches!(names, NameVisibility::All),
        };
        let ids: BTreeSet<UserId> = actors.iter().filter_map(|actor| actor.0).collect();
        let mut users = HashMap::new();
        for id in ids {
            let user = crate::users::find(conn, id)?;
            if let Some(user) = user.filter(is_seen) {
                users.insert(id, user.username);
            }
        }
        let mut ids: BTreeSet<ClientId> = actors.iter().filter_map(|actor| actor.1).collect();
        if rights.is_some() {
            ids.clear();
        }
        let clients = clients::list_names(conn, &Vec::from_iter(ids))?;
        Ok(Self { users, clients })
    }
}

/// The names of these authors, for an administrator.
pub async fn find_actor_names(
    database: &Database,
    actors: Vec<ActorIds>,
) -> db::Result<ActorNames> {
    database
        .read(move |conn| ActorNames::find(conn, &actors, NameVisibility::All))
        .await
}

/// The roles in a version of a user or a role assignment.
pub(super) fn roles_of(revision: &StoredRevision) -> BTreeSet<String> {
    let roles = revision.data.get("roles").and_then(Value::as_array);
    let names = roles.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

fn named(
    conn: &mut Connection,
    found: Vec<StoredRevision>,
    names: NameVisibility,
) -> db::Result<Vec<Version>> {
    let actors: Vec<ActorIds> = found
        .iter()
        .map(|found| (found.by_user, found.by_client))
        .collect();
    let actors = ActorNames::find(conn, &actors, names)?;
    Ok(found
        .into_iter()
        .map(|found| Version {
            version: found.version,
            as_of: found.as_of,
            by_user: found.by_user,
            by_username: actors.user(found.by_user).map(str::to_owned),
            by_client: found.by_client,
            by_client_name: actors.client(found.by_client).map(str::to_owned),
            data: found.data,
        })
        .collect())
}
