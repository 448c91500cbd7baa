//! Disabling a client together with the clients that it registered. Disabling the client alone leaves them unchanged.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::lifecycle::LifecycleAction;
use super::{ActingAs, Client, ClientError, ClientRecord, Clients, queries};
use crate::base::clock::Stopwatch;
use crate::base::ids::ClientId;
use crate::db::{self, Connection};

/// A client that another one registered, itself or through clients that it registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegisteredClient {
    /// ID of the client.
    #[schema(value_type = uuid::Uuid)]
    pub client_id: ClientId,
    /// Name of the client.
    pub client_name: String,
    /// Whether it is still enabled.
    pub enabled: bool,
    /// Whether it may register further ones.
    #[serde(skip)]
    pub(super) may_register: bool,
}

/// What happens to the clients that a disabled client registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cascade {
    /// They are left unchanged.
    None,
    /// They are disabled too.
    Disable,
}

/// The result of disabling a client.
#[derive(Debug)]
pub struct DisabledClient {
    /// The client that was disabled.
    pub client: Client,
    /// The clients that it registered and that were enabled until now; empty if a client made the request.
    pub registered: Vec<RegisteredClient>,
}

impl Clients {
    /// Disables a client. Also lists the enabled clients that it registered, or disables them in batches. Idempotent. A client may
    /// not disable others in this way (`RegisteredInPerson`).
    pub async fn disable_cascading(
        &self,
        id: ClientId,
        cascade: Cascade,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<DisabledClient, ClientError> {
        let is_service = acting.client().is_some();
        if is_service && cascade == Cascade::Disable {
            return Err(ClientError::CascadeNeedsAdministrator);
        }
        // Disabled first, so that it can't register any more clients.
        let client = self.disable(id, reason.clone(), acting.clone()).await?;
        if is_service {
            return Ok(DisabledClient {
                client,
                registered: Vec::new(),
            });
        }
        let registered = match cascade {
            Cascade::None => self.list_registered(id).await?,
            Cascade::Disable => self.disable_registered(id, reason, acting).await?,
        };
        Ok(DisabledClient { client, registered })
    }

    /// Disables the clients that a client registered. Returns those that were enabled.
    async fn disable_registered(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Vec<RegisteredClient>, ClientError> {
        let mut disabled: Vec<RegisteredClient> = Vec::new();
        loop {
            let batch = self.disable_batch(id, reason.clone(), acting.clone());
            let batch = batch.await?;
            if batch.is_empty() {
                break;
            }
            for one in &batch {
                self.publish(one.client_id).await?;
            }
            disabled.extend(batch);
        }
        // The others are already disabled, but the request that disabled them may have failed to publish them.
        let published: HashSet<ClientId> = disabled.iter().map(|one| one.client_id).collect();
        let all = self
            .database
            .read(move |conn| list_registered(conn, id))
            .await?;
        for one in all {
            if !published.contains(&one.client_id) {
                self.publish(one.client_id).await?;
            }
        }
        Ok(disabled)
    }

    /// Disables one batch of the enabled clients that a client registered, and returns it; an empty batch means that all are
    /// disabled. During a batch no client can register another, and clients that may register clients come first, so that they
    /// can't register faster than they are disabled.
    async fn disable_batch(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Vec<RegisteredClient>, ClientError> {
        let clients = self.clone();
        self.database
            .write(move |conn| {
                queries::lock_changes_by_clients(conn)?;
                let mut batch = list_registered(conn, id)?;
                batch.retain(|one| one.enabled);
                batch.sort_by_key(|one| !one.may_register);
                batch.truncate(BATCH);
                // Lock order: all rows before the caller's account. A request that holds one of them may be
                // waiting for that account.
                let ids: Vec<ClientId> = batch.iter().map(|one| one.client_id).collect();
                let records = queries::lock_all(conn, &ids)?.into_iter();
                let mut records: HashMap<ClientId, ClientRecord> =
                    records.map(|record| (record.client.id, record)).collect();
                let author = acting.check(conn, &[])?;
                let (now, watch) = (clients.database.now(conn)?, Stopwatch::start());
                let step = (LifecycleAction::Disable, reason.as_deref());
                let mut disabled = Vec::new();
                for mut one in batch {
                    // A client that was deleted in the meantime has no record.
                    if let Some(record) = records.remove(&one.client_id) {
                        clients.apply_action(conn, record, step, (now, &author))?;
                    }
                    one.enabled = false;
                    disabled.push(one);
                    if watch.elapsed() > BATCH_TIME {
                        break;
                    }
                }
                Ok(disabled)
            })
            .await
    }

    /// Lists the enabled clients that a client registered, directly or through clients that it registered, the direct ones first.
    pub async fn list_registered(&self, id: ClientId) -> db::Result<Vec<RegisteredClient>> {
        let list = move |conn: &mut Connection| list_registered(conn, id);
        let mut all = self.database.read(list).await?;
        all.retain(|one| one.enabled);
        Ok(all)
    }
}

const BATCH: usize = 25;
/// After this time a transaction disables no further client: a transaction that is not ready to commit 1.5 seconds after it first
/// read the database's clock is rolled back ([`db::SEEN_WITHIN`]).
const BATCH_TIME: Duration = Duration::from_millis(500);

/// Lists the clients that a client registered, directly or through others, the direct ones first. It also follows disabled and
/// deleted clients, because clients that they registered may still be enabled.
fn list_registered(conn: &mut Connection, id: ClientId) -> db::Result<Vec<RegisteredClient>> {
    let mut by_registrar: HashMap<ClientId, Vec<RegisteredClient>> = HashMap::new();
    for (registrar, client) in queries::list_registered(conn)? {
        by_registrar.entry(registrar).or_default().push(client);
    }
    let (mut registrars, mut found) = (VecDeque::from([id]), Vec::new());
    while let Some(registrar) = registrars.pop_front() {
        for client in by_registrar.remove(&registrar).unwrap_or_default() {
            registrars.push_back(client.client_id);
            found.push(client);
        }
    }
    Ok(found)
}
