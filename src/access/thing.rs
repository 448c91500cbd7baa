//! Reads registered resources, from the copy in the ephemeral store or from the database.
//!
//! A copy carries the version of the resource's row. The absence of a resource is cached as well: as version 0 if it was never
//! registered, so that the first registration is newer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Access, ResourceId, ResourceName, ResourceType, queries};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::{ClientId, UserId};
use crate::db;
use crate::ephemeral::Away;
use crate::standing::{ChangePending, SLOWEST_FILL, Unavailable};

/// The registered values of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// Title for display.
    pub title: Option<String>,
    /// Description for display.
    pub description: Option<String>,
    /// Attributes that policies can read.
    pub attributes: Map<String, Value>,
    /// Version, counted from 1.
    pub version: i64,
}

/// Returns the attributes that policies see; none if the resource isn't registered.
pub(super) fn attributes(thing: Option<Thing>) -> Map<String, Value> {
    thing.map(|thing| thing.attributes).unwrap_or_default()
}

/// A row of the table `resources`, possibly of a deleted resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ThingRow {
    pub(super) name: ResourceName,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) attributes: Map<String, Value>,
    pub(super) created_at: Timestamp,
    pub(super) is_deleted: bool,
    pub(super) version: i64,
    pub(super) as_of: Timestamp,
    pub(super) by_user: Option<UserId>,
    pub(super) by_client: Option<ClientId>,
}

impl ThingRow {
    /// Returns the registered values, or `None` if the resource is deleted.
    fn into_thing(self) -> Option<Thing> {
        (!self.is_deleted).then_some(Thing {
            title: self.title,
            description: self.description,
            attributes: self.attributes,
            version: self.version,
        })
    }

    /// The data of a revision.
    pub(super) fn record(&self) -> Value {
        json!({
            "resource_type": self.name.kind,
            "resource_id": self.name.id,
            "title": self.title,
            "description": self.description,
            "attributes": self.attributes,
            "deleted": self.is_deleted,
        })
    }
}

/// A registered thing, as administrators and services see it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ThingView {
    /// Of which kind.
    #[serde(rename = "resource_type")]
    #[schema(value_type = String)]
    pub kind: ResourceType,
    /// ID of the resource within its type.
    #[serde(rename = "resource_id")]
    #[schema(value_type = String)]
    pub id: ResourceId,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// For policies.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// When it was registered first.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Version, counted from 1.
    pub version: i64,
    /// Since when it stands so.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// The person who made it so.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_user: Option<UserId>,
    /// The client that made it so, or through which the person did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_client: Option<ClientId>,
}

impl ThingView {
    /// Version as an entity tag (RFC 9110 §8.8.3).
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Type and ID of the resource.
    pub fn name(&self) -> ResourceName {
        ResourceName {
            kind: self.kind.clone(),
            id: self.id.clone(),
        }
    }
}

impl From<ThingRow> for ThingView {
    fn from(row: ThingRow) -> Self {
        Self {
            kind: row.name.kind,
            id: row.name.id,
            title: row.title,
            description: row.description,
            attributes: row.attributes,
            created_at: row.created_at,
            version: row.version,
            as_of: row.as_of,
            by_user: row.by_user,
            by_client: row.by_client,
        }
    }
}

impl Access {
    /// Cache key of a resource.
    pub fn resource_key(&self, name: &ResourceName) -> String {
        format!("resource:{{{}}}:{}", name.key(), self.installation)
    }

    /// Returns a resource, or `None` if it isn't registered.
    pub async fn thing(&self, name: &ResourceName) -> Result<Option<Thing>, Unavailable> {
        if let Some(thing) = self.glance_at_thing(name).await? {
            return Ok(thing);
        }
        let store_key = self.resource_key(name);
        let watch = Stopwatch::start();
        let (version, thing) = self.read_thing(name).await?;
        // A newer copy may have been published since the read; the script doesn't overwrite it.
        if watch.elapsed() < SLOWEST_FILL {
            self.resources.fill(&store_key, version, &thing).await;
        }
        Ok(thing)
    }

    /// Returns the cached copy of [`Access::thing`], or `None` if there is no current copy. It never reads the database, and may
    /// therefore be called for a client that isn't authenticated yet.
    pub(super) async fn glance_at_thing(
        &self,
        name: &ResourceName,
    ) -> Result<Option<Option<Thing>>, Away> {
        let copy = self.resources.get(&self.resource_key(name)).await?;
        Ok(copy.and_then(|copy| self.resources.believe(name.key(), &copy)))
    }

    /// Publishes a committed change of a resource: afterwards every instance uses the new version.
    ///
    /// # Errors
    /// [`ChangePending`] if the change could not be published. This call may be retried.
    pub(super) async fn publish_thing(&self, name: &ResourceName) -> Result<(), ChangePending> {
        let pending = |error: Unavailable| ChangePending(error);
        let (version, thing) = self
            .read_thing(name)
            .await
            .map_err(|error| pending(error.into()))?;
        self.resources.raise_floor(name.key(), version);
        let stored = self
            .resources
            .store(&self.resource_key(name), version, &thing)
            .await;
        stored.map_err(|error| pending(error.into()))?;
        Ok(())
    }

    /// Polls the resources that changed and raises their minimum versions. Called before an instance serves requests,
    /// then once a second.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .resources
            .look(&self.database, queries::list_moved_since)
            .await?)
    }

    async fn read_thing(&self, name: &ResourceName) -> db::Result<(i64, Option<Thing>)> {
        let name = name.clone();
        let find = move |conn: &mut db::Connection| queries::find_thing(conn, &name);
        let row = self.database.read(find).await?;
        Ok(row.map_or((0, None), |row| (row.version, row.into_thing())))
    }
}
