//! Disabling a client together with the clients that it registered. Disabled alone, it leaves them as they are.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::life::Step;
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

/// What becomes of the clients that a disabled client registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// They stay as they are.
    Kept,
    /// They are disabled too.
    Disabled,
}

/// A client that was disabled.
#[derive(Debug)]
pub struct DisabledClient {
    /// The client.
    pub client: Client,
    /// The clients that it registered and that were enabled until then; empty if a service disabled it.
    pub registered: Vec<RegisteredClient>,
}

impl Clients {
    /// Disables a client, and lists the enabled clients that it registered or disables them too, a batch at a time; safe to
    /// repeat.
    ///
    /// # Errors
    /// As [`Clients::disable`], or `RegisteredInPerson`.
    pub async fn disable_with(
        &self,
        id: ClientId,
        registered: Registered,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<DisabledClient, ClientError> {
        let is_service = acting.client().is_some();
        if is_service && registered == Registered::Disabled {
            return Err(ClientError::RegisteredInPerson);
        }
        // First, so that it registers no further ones.
        let client = self.disable(id, reason.clone(), acting.clone()).await?;
        if is_service {
            return Ok(DisabledClient {
                client,
                registered: Vec::new(),
            });
        }
        let registered = match registered {
            Registered::Kept => self.list_registered(id).await?,
            Registered::Disabled => self.disable_registered(id, reason, acting).await?,
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
        // The others are disabled as well, but the request that disabled them may have failed to publish it.
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

    /// Disables some of the enabled clients that a client registered, and returns them; none when all are disabled. Meanwhile no
    /// client registers another one, and those that may are disabled first: they can't register faster than they are disabled.
    async fn disable_batch(
        &self,
        id: ClientId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Vec<RegisteredClient>, ClientError> {
        let own = self.clone();
        self.database
            .write(move |conn| {
                queries::lock_changes_by_clients(conn)?;
                let mut batch = list_registered(conn, id)?;
                batch.retain(|one| one.enabled);
                batch.sort_by_key(|one| !one.may_register);
                batch.truncate(BATCH);
                // All rows before the caller's account: a request that holds one of them may be waiting for that account.
                let ids: Vec<ClientId> = batch.iter().map(|one| one.client_id).collect();
                let records = queries::lock_all(conn, &ids)?.into_iter();
                let mut records: HashMap<ClientId, ClientRecord> =
                    records.map(|record| (record.client.id, record)).collect();
                let author = acting.check(conn, &[])?;
                let (now, watch) = (own.database.now(conn)?, Stopwatch::start());
                let step = (Step::Disable, reason.as_deref());
                let mut disabled = Vec::new();
                for mut one in batch {
                    // There is none of a client that was deleted since.
                    if let Some(record) = records.remove(&one.client_id) {
                        own.take_step(conn, record, step, (now, &author))?;
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

    /// The enabled clients that a client registered, itself or through others, the direct ones first.
    pub async fn list_registered(&self, id: ClientId) -> db::Result<Vec<RegisteredClient>> {
        let list = move |conn: &mut Connection| list_registered(conn, id);
        let mut all = self.database.read(list).await?;
        all.retain(|one| one.enabled);
        Ok(all)
    }
}

/// How many clients are disabled in one transaction at the most.
const BATCH: usize = 25;
/// A transaction disables no further client after this time: one that takes 1.5 seconds from its instant on is undone
/// ([`db::SEEN_WITHIN`]).
const BATCH_TIME: Duration = Duration::from_millis(500);

/// The clients that a client registered, itself or through others, the direct ones first. Those of disabled and deleted clients are
/// listed too: they may be enabled.
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
