//! Disabling a client together with the clients that it registered. Disabled alone, it leaves them as they are.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use utoipa::ToSchema;

use super::life::Step;
use super::{ActingAs, Client, ClientError, Clients, queries};
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
        let mut all = self.list_registered(id).await?;
        if registered == Registered::Disabled {
            let mut done = Vec::new();
            while !all.is_empty() {
                let batch = self.disable_batch(id, reason.clone(), acting.clone());
                all = batch.await?;
                done.extend(all.iter().cloned());
            }
            all = done;
        }
        Ok(DisabledClient {
            client,
            registered: all,
        })
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
        let disabled = self
            .database
            .write(move |conn| {
                queries::lock_changes_by_clients(conn)?;
                let mut batch = list_registered(conn, id)?;
                batch.sort_by_key(|one| !one.may_register);
                batch.truncate(BATCH);
                for one in &mut batch {
                    let because = (reason.as_deref(), &acting);
                    match own.take_step(conn, one.client_id, Step::Disable, because) {
                        // Deleted meanwhile.
                        Ok(_) | Err(ClientError::Unknown) => one.enabled = false,
                        Err(error) => return Err(error),
                    }
                }
                Ok(batch)
            })
            .await?;
        for one in &disabled {
            self.publish(one.client_id).await?;
        }
        Ok(disabled)
    }

    /// The enabled clients that a client registered, itself or through others, the direct ones first.
    pub async fn list_registered(&self, id: ClientId) -> db::Result<Vec<RegisteredClient>> {
        self.database
            .read(move |conn| list_registered(conn, id))
            .await
    }
}

/// How many clients are disabled in one transaction.
const BATCH: usize = 25;

fn list_registered(conn: &mut Connection, id: ClientId) -> db::Result<Vec<RegisteredClient>> {
    let mut by_registrar: HashMap<ClientId, Vec<RegisteredClient>> = HashMap::new();
    for (registrar, client) in queries::list_registered(conn)? {
        by_registrar.entry(registrar).or_default().push(client);
    }
    let (mut registrars, mut found) = (VecDeque::from([id]), Vec::new());
    while let Some(registrar) = registrars.pop_front() {
        for client in by_registrar.remove(&registrar).unwrap_or_default() {
            // Disabled and deleted clients are followed too: what they registered may be enabled.
            registrars.push_back(client.client_id);
            if client.enabled {
                found.push(client);
            }
        }
    }
    Ok(found)
}
