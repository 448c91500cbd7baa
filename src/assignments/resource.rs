//! Reads registered resources, from the copy in the ephemeral store or from the database.
//!
//! A copy carries the version of the resource's row. The absence of a resource is cached as well: as version 0 if it was never
//! registered, so that the first registration is newer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Assignments, ResourceId, ResourceName, ResourceType, queries};
use crate::account_state::{ChangePending, MAX_FILL_TIME, Unavailable};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::{ClientId, UserId};
use crate::db;
use crate::ephemeral::StoreUnavailable;

/// The registered values of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
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
pub fn attributes_of(resource: Option<Resource>) -> Map<String, Value> {
    resource
        .map(|resource| resource.attributes)
        .unwrap_or_default()
}

/// A resource of the registry, possibly a deleted one.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ResourceView {
    /// Resource type.
    #[serde(rename = "resource_type")]
    #[schema(value_type = String)]
    pub kind: ResourceType,
    /// ID of the resource within its type.
    #[serde(rename = "resource_id")]
    #[schema(value_type = String)]
    pub id: ResourceId,
    /// Title for display.
    pub title: Option<String>,
    /// Description for display.
    pub description: Option<String>,
    /// Attributes that policies can read.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// When it was first registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Whether it is deleted. A deleted resource is never returned to a caller.
    #[serde(skip)]
    pub is_deleted: bool,
    /// Version, counted from 1.
    pub version: i64,
    /// When this version was stored.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// ID of the user who stored this version.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_user: Option<UserId>,
    /// ID of the client that stored this version, or through which the user did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_client: Option<ClientId>,
}

impl ResourceView {
    /// Type and ID of the resource.
    pub fn name(&self) -> ResourceName {
        ResourceName {
            kind: self.kind.clone(),
            id: self.id.clone(),
        }
    }

    /// Returns the registered values, or `None` if the resource is deleted.
    fn into_resource(self) -> Option<Resource> {
        (!self.is_deleted).then_some(Resource {
            title: self.title,
            description: self.description,
            attributes: self.attributes,
            version: self.version,
        })
    }

    /// The data of a revision.
    pub(super) fn record(&self) -> Value {
        json!({
            "resource_type": self.kind,
            "resource_id": self.id,
            "title": self.title,
            "description": self.description,
            "attributes": self.attributes,
            "deleted": self.is_deleted,
        })
    }
}

impl Assignments {
    /// Cache key of a resource.
    pub fn resource_key(&self, name: &ResourceName) -> String {
        format!("resource:{{{}}}:{}", name.key(), self.installation)
    }

    /// Returns a resource, or `None` if it isn't registered.
    pub async fn resource(&self, name: &ResourceName) -> Result<Option<Resource>, Unavailable> {
        if let Some(resource) = self.cached_resource(name).await? {
            return Ok(resource);
        }
        let store_key = self.resource_key(name);
        let watch = Stopwatch::start();
        let (version, resource) = self.read_resource_row(name).await?;
        // A newer copy may have been published since the read; [`Ephemeral::store_newer`] doesn't overwrite it.
        if watch.elapsed() < MAX_FILL_TIME {
            self.resources.fill(&store_key, version, &resource).await;
        }
        Ok(resource)
    }

    /// Returns the cached copy of [`Assignments::resource`], or `None` if there is no current copy. It never reads the database, and may
    /// therefore be called for a client that isn't authenticated yet.
    pub async fn cached_resource(
        &self,
        name: &ResourceName,
    ) -> Result<Option<Option<Resource>>, StoreUnavailable> {
        let copy = self.resources.get(&self.resource_key(name)).await?;
        Ok(copy.and_then(|copy| self.resources.parse_if_fresh(name.key(), &copy)))
    }

    /// Publishes a committed change of a resource: afterwards every instance uses the new version.
    ///
    /// # Errors
    /// [`ChangePending`] if the change could not be published. This call may be retried.
    pub(super) async fn publish_resource(&self, name: &ResourceName) -> Result<(), ChangePending> {
        let read = self.read_resource_row(name).await;
        let (version, resource) = read.map_err(|error| ChangePending(error.into()))?;
        self.resources.raise_min_version(name.key(), version);
        let key = self.resource_key(name);
        let stored = self.resources.store(&key, version, &resource).await;
        stored.map_err(|error| ChangePending(error.into()))?;
        Ok(())
    }

    /// Polls the resources that changed and raises their minimum versions. Called before an instance serves requests,
    /// then once a second.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .resources
            .poll_changes(&self.database, queries::list_changes_since)
            .await?)
    }

    async fn read_resource_row(&self, name: &ResourceName) -> db::Result<(i64, Option<Resource>)> {
        let name = name.clone();
        let find = move |conn: &mut db::Connection| queries::find_resource(conn, &name);
        let row = self.database.read(find).await?;
        Ok(row.map_or((0, None), |row| (row.version, row.into_resource())))
    }
}
