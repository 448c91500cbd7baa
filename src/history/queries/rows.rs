//! The rows of `audit_events` and `revisions`, as other modules read them.

use diesel::{Queryable, Selectable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId, Id, PasskeyId, UserId, label};
use crate::db::schema::revisions;
use crate::db::{Json, StoredJson};

/// An audit event.
#[derive(Clone, Debug, Queryable, Serialize, ToSchema)]
pub struct RecordedEvent {
    /// ID of the event; sorts by time.
    #[schema(value_type = uuid::Uuid)]
    pub id: AuditEventId,
    /// Time of the event, by the database's clock.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Actor: `user:ID`, `client:ID`, `command` or `doorward`.
    pub actor: String,
    /// Name of the action, such as `session.ended`.
    pub action: String,
    /// ID of the user concerned.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub subject: Option<UserId>,
    /// ID of the client concerned.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub client: Option<ClientId>,
    /// ID of the passkey concerned.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub passkey: Option<PasskeyId>,
    /// IP address of the request.
    pub address: Option<String>,
    /// User agent of the request.
    pub user_agent: Option<String>,
    /// Outcome: `success` or `refused`.
    pub outcome: String,
    /// Reason that was given, or why the request was refused.
    pub reason: Option<String>,
    /// Other relevant data; `null` if the stored data can't be read.
    #[schema(value_type = Value)]
    pub details: StoredJson,
    /// ID of the user who acted, directly or through an app.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_user: Option<UserId>,
    /// ID of the client that acted, or through which the user did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_client: Option<ClientId>,
    /// Operating-system account and host (`user@host`) of the process, if the command line or the service itself acted.
    pub operator: Option<String>,
}

/// A successful authentication with a passkey.
#[derive(Clone, Debug, Queryable)]
pub struct PasskeyUse {
    /// ID of the passkey.
    pub passkey: PasskeyId,
    /// IP address of the request.
    pub address: Option<String>,
    /// User agent of the browser.
    pub user_agent: Option<String>,
}

/// A stored version.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = revisions)]
pub struct StoredRevision {
    /// ID of the entity.
    #[diesel(deserialize_as = Id<label::User>)]
    pub entity_id: Uuid,
    /// Version, counted from 1.
    pub version: i64,
    /// When the version begins.
    pub as_of: Timestamp,
    /// ID of the user who made the change.
    pub by_user: Option<UserId>,
    /// ID of the client that made the change, or through which the user did.
    pub by_client: Option<ClientId>,
    /// The record, without secrets.
    #[diesel(deserialize_as = Json<Value>)]
    pub data: Value,
}

impl StoredRevision {
    /// Returns the record in this version. `missing` has the members that the data may lack: those that never change, and the default
    /// values of those that earlier builds didn't store.
    pub fn record<T: DeserializeOwned>(self, missing: &[(&str, Value)]) -> serde_json::Result<T> {
        let own = [
            ("version", json!(self.version)),
            ("as_of", json!(self.as_of)),
            ("by_user", json!(self.by_user)),
            ("by_client", json!(self.by_client)),
        ];
        let mut data = self.data;
        for (name, value) in own.iter().chain(missing) {
            if let Some(members) = data.as_object_mut() {
                members.entry(*name).or_insert_with(|| value.clone());
            }
        }
        serde_json::from_value(data)
    }
}
