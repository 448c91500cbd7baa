//! Registers, updates, deletes and lists resources.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::assignment_permission::may_change;
use super::attribute_rules::AttributeFault;
use super::resource::ResourceView;
use super::text::{Description, Title};
use super::{Assignments, ResourceName, ResourceType, queries};
use crate::account_state::ChangePending;
use crate::base::attributes;
use crate::base::clock::Timestamp;
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event, Revision, next_as_of};
use crate::web::{Page, rows_to_fetch};

/// The values to store for a resource.
#[derive(Clone, Debug, Default)]
pub struct NewResource {
    /// Title for display.
    pub title: Option<Title>,
    /// Description for display.
    pub description: Option<Description>,
    /// Attributes that policies can read.
    pub attributes: Map<String, Value>,
}

/// Precondition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The resource isn't registered.
    Absent,
    /// The resource has this version.
    Version(i64),
    /// No precondition.
    Anything,
}

/// Which resources to list.
#[derive(Clone, Debug, Default)]
pub struct ResourceFilter {
    /// Only resources of this type.
    pub resource_type: Option<ResourceType>,
    /// Only resources of these types, the ones that the caller may see.
    pub visible_types: Option<BTreeSet<String>>,
    /// Cursor: only resources after this name.
    pub after: Option<ResourceName>,
}

/// Why a resource was not changed, or that a change is not yet in force.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// No resource with this name is registered.
    #[error("no resource with this name is registered")]
    Unknown,
    /// The resource is already registered, in this version.
    #[error("already registered, as version {0}")]
    Exists(i64),
    /// Another request registered the resource at the same time.
    #[error("another request registered it at the same time")]
    Overtaken,
    /// The resource was changed since the caller read it; this is the current version.
    #[error("changed by another request, to version {0}")]
    VersionMismatch(i64),
    /// The attributes are too large or contain values that policies can't read.
    #[error(
        "attributes may have 16384 bytes and 16 levels at most, and numbers that policies can read: whole, or with four digits \
         after the point at most"
    )]
    Attributes,
    /// The schema declares other attributes for resources of this type.
    #[error("{0}")]
    NotInSchema(String),
    /// The author may not register resources of this type.
    #[error("you may not register resources of this type")]
    NotPermitted,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The change is committed but not yet in force.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<AttributeFault> for ResourceError {
    fn from(fault: AttributeFault) -> Self {
        match fault {
            AttributeFault::Unreadable => Self::Attributes,
            AttributeFault::NotInSchema(reason) => Self::NotInSchema(reason),
        }
    }
}

/// Result of a write.
#[derive(Clone, Debug)]
pub struct Put {
    /// The resource after the write.
    pub resource: ResourceView,
    /// Whether the resource was not registered before.
    pub is_new: bool,
}

impl Assignments {
    /// Registers a resource or replaces all its values. If nothing changes, no new version is written.
    ///
    /// # Errors
    /// The reason why nothing was changed, or [`ResourceError::Pending`] if the change is committed but not yet in force.
    pub async fn put_resource(
        &self,
        name: ResourceName,
        new: NewResource,
        expected: Expected,
        acting: ActingAs,
    ) -> Result<Put, ResourceError> {
        if !attributes::are_within_limits(&new.attributes) {
            return Err(ResourceError::Attributes);
        }
        self.attribute_rules
            .check_attributes(&name, &new.attributes)?;
        let (database, locked) = (self.database.clone(), name.clone());
        let put = self
            .database
            .write(move |conn| {
                let before = queries::lock_resource(conn, &locked)?;
                let author = acting.check(conn, &[])?;
                let now = database.now(conn)?;
                require_may_change(conn, &author, &locked)?;
                check_expected(before.as_ref(), expected)?;
                save(conn, locked, before, new, now, &author)
            })
            .await;
        self.after(&name, put).await
    }

    /// Deletes a resource; role assignments on it remain. With `expected`, only if that is the current version.
    ///
    /// # Errors
    /// The reason why nothing was changed, or [`ResourceError::Pending`] if the change is committed but not yet in force.
    pub async fn delete_resource(
        &self,
        name: ResourceName,
        expected: Option<i64>,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<ResourceView, ResourceError> {
        let (database, locked) = (self.database.clone(), name.clone());
        let deleted = self
            .database
            .write(move |conn| {
                let before = queries::lock_resource(conn, &locked)?;
                let author = acting.check(conn, &[])?;
                let now = database.now(conn)?;
                require_may_change(conn, &author, &locked)?;
                let before = before.filter(|resource| !resource.is_deleted);
                let before = before.ok_or(ResourceError::Unknown)?;
                if expected.is_some_and(|expected| expected != before.version) {
                    return Err(ResourceError::VersionMismatch(before.version));
                }
                let mut deleted = before.clone();
                deleted.is_deleted = true;
                start_next_version(&mut deleted, now, &author);
                let event = event("resource.deleted", &deleted, Map::new());
                let event = event.with_reason(reason.as_deref());
                store(conn, &deleted, event, now, &author)?;
                Ok(before)
            })
            .await;
        self.after(&name, deleted).await
    }

    /// Returns a registered resource from the database.
    ///
    /// # Errors
    /// [`ResourceError::Unknown`] if it isn't registered.
    pub async fn read_resource(&self, name: ResourceName) -> Result<ResourceView, ResourceError> {
        let found = self
            .database
            .read(move |conn| queries::find_resource(conn, &name))
            .await?;
        let found = found.filter(|resource| !resource.is_deleted);
        found.ok_or(ResourceError::Unknown)
    }

    /// Returns at most `limit` registered resources, ordered by type and ID.
    pub async fn list_resources(
        &self,
        filter: ResourceFilter,
        limit: usize,
    ) -> db::Result<Page<ResourceView>> {
        let rows = rows_to_fetch(limit);
        let list = move |conn: &mut Connection| queries::list_resources(conn, &filter, rows);
        let found = self.database.read(list).await?;
        Ok(Page::from_rows(found, limit, |found| {
            found.name().to_cursor()
        }))
    }

    /// Publishes a change before it is acknowledged. A retried request fails on the version that its first attempt wrote, which
    /// may not have been published yet, so these errors publish as well.
    async fn after<T>(
        &self,
        name: &ResourceName,
        result: Result<T, ResourceError>,
    ) -> Result<T, ResourceError> {
        match &result {
            Ok(_)
            | Err(
                ResourceError::Exists(_)
                | ResourceError::VersionMismatch(_)
                | ResourceError::Unknown,
            ) => {
                self.publish_resource(name).await?;
            }
            Err(
                ResourceError::Overtaken
                | ResourceError::Attributes
                | ResourceError::NotInSchema(_)
                | ResourceError::NotPermitted
                | ResourceError::Acting(_)
                | ResourceError::Pending(_)
                | ResourceError::Database(_),
            ) => {}
        }
        result
    }
}

fn require_may_change(
    conn: &mut Connection,
    author: &Author,
    name: &ResourceName,
) -> Result<(), ResourceError> {
    if may_change(conn, author, &name.kind)? {
        return Ok(());
    }
    Err(ResourceError::NotPermitted)
}

fn check_expected(before: Option<&ResourceView>, expected: Expected) -> Result<(), ResourceError> {
    let present = before.filter(|row| !row.is_deleted).map(|row| row.version);
    match (expected, present) {
        (Expected::Anything, _) | (Expected::Absent, None) => Ok(()),
        (Expected::Absent, Some(version)) => Err(ResourceError::Exists(version)),
        (Expected::Version(expected), Some(version)) if expected == version => Ok(()),
        (Expected::Version(_), Some(version)) => Err(ResourceError::VersionMismatch(version)),
        (Expected::Version(_), None) => Err(ResourceError::Unknown),
    }
}

fn save(
    conn: &mut Connection,
    name: ResourceName,
    before: Option<ResourceView>,
    new: NewResource,
    now: Timestamp,
    author: &Author,
) -> Result<Put, ResourceError> {
    let mut resource = ResourceView {
        kind: name.kind,
        id: name.id,
        title: new.title.map(Title::into_text),
        description: new.description.map(Description::into_text),
        attributes: new.attributes,
        created_at: before.as_ref().map_or(now, |before| before.created_at),
        is_deleted: false,
        version: 1,
        as_of: now,
        by_user: author.user(),
        by_client: author.client(),
    };
    let is_new = before.as_ref().is_none_or(|before| before.is_deleted);
    let mut changes = Map::new();
    if let Some(before) = before {
        if resource.record() == before.record() {
            let resource = before;
            return Ok(Put { resource, is_new });
        }
        if !is_new {
            changes = history::changes(&before.record(), &resource.record());
        }
        (resource.version, resource.as_of) = (before.version, before.as_of);
        start_next_version(&mut resource, now, author);
    }
    let action = if is_new {
        "resource.registered"
    } else {
        "resource.updated"
    };
    let event = event(action, &resource, changes);
    store(conn, &resource, event, now, author).map_err(|error| match error {
        db::Error::UniqueViolation(_) => ResourceError::Overtaken,
        other => other.into(),
    })?;
    Ok(Put { resource, is_new })
}

fn start_next_version(resource: &mut ResourceView, now: Timestamp, author: &Author) {
    resource.version = resource.version.saturating_add(1);
    resource.as_of = next_as_of(now, resource.as_of);
    (resource.by_user, resource.by_client) = (author.user(), author.client());
}

/// Stores a version of a resource, with its revision and its audit event.
fn store(
    conn: &mut Connection,
    resource: &ResourceView,
    event: Event,
    now: Timestamp,
    author: &Author,
) -> db::Result<()> {
    queries::store_resource(conn, resource, now)?;
    let revision = Revision {
        entity: "resource",
        entity_id: resource.name().key().uuid(),
        version: resource.version,
        as_of: resource.as_of,
        data: resource.record(),
    };
    history::record_revision(conn, author, revision)?;
    history::record(conn, resource.as_of, author, event)
}

fn event(action: &'static str, resource: &ResourceView, mut details: Map<String, Value>) -> Event {
    details.insert("resource_type".into(), json!(resource.kind));
    details.insert("resource_id".into(), json!(resource.id));
    Event::done(action).details(Value::Object(details))
}
