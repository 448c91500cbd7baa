//! Disabling a client together with the clients that it registered. Disabled alone, it leaves them as they are.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::{ActingAs, Client, ClientError, Clients, queries};
use crate::base::ids::ClientId;
use crate::db::{self, Connection};

/// A client that another one registered, itself or through clients that it registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegisteredClient {
    /// Its ID.
    #[schema(value_type = uuid::Uuid)]
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// Whether it is still enabled.
    pub enabled: bool,
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
    /// Disables a client, and lists the enabled clients that it registered or disables them too. Each is disabled in a transaction
    /// of its own; safe to repeat.
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
            // Read again afterwards: one of them may have registered another one meanwhile.
            while !all.is_empty() {
                for mut one in all {
                    self.disable(one.client_id, reason.clone(), acting.clone())
                        .await?;
                    one.enabled = false;
                    done.push(one);
                }
                all = self.list_registered(id).await?;
            }
            all = done;
        }
        Ok(DisabledClient {
            client,
            registered: all,
        })
    }

    /// The enabled clients that a client registered, itself or through others, the direct ones first.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn list_registered(&self, id: ClientId) -> db::Result<Vec<RegisteredClient>> {
        self.database
            .read(move |conn| {
                let (mut seen, mut found) = (HashSet::from([id]), Vec::new());
                let mut registrars = vec![id];
                while !registrars.is_empty() {
                    let mut next = read_new(conn, &registrars, &mut seen)?;
                    // Disabled and deleted clients are followed too: what they registered may be enabled.
                    registrars = next.iter().map(|one| one.client_id).collect();
                    next.retain(|one| one.enabled);
                    found.append(&mut next);
                }
                Ok(found)
            })
            .await
    }
}

/// What these clients registered, without those seen before.
fn read_new(
    conn: &mut Connection,
    registrars: &[ClientId],
    seen: &mut HashSet<ClientId>,
) -> db::Result<Vec<RegisteredClient>> {
    let mut found = queries::list_registered_by(conn, registrars)?;
    found.retain(|one| seen.insert(one.client_id));
    Ok(found)
}
