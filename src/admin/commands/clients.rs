//! Clients.

use super::{CommandError, Commands, Permit};
use crate::base::ids::ClientId;
use crate::base::secrets::Token;
use crate::clients::{Client, ClientChange, ClientError, ClientUpdate, Scope, TypedSecret};

impl Commands {
    /// Requires an administrator, or a client with the scope.
    pub fn permit_clients(&self) -> Result<Permit, CommandError> {
        self.actor.require(Scope::ClientsWrite)?;
        Ok(self.actor.permit(Scope::ClientsWrite)?)
    }

    /// The client to change; the permission is checked first.
    pub fn client_to_change(&self, id: &str) -> Result<(ClientId, Permit), CommandError> {
        let permit = self.permit_clients()?;
        let id = ClientId::named(id).ok_or(CommandError::NotFound)?;
        Ok((id, permit))
    }

    /// Registers a client.
    pub async fn register_client(
        &self,
        wanted: ClientChange,
        permit: Permit,
    ) -> Result<(Client, Option<Token>), ClientError> {
        self.clients.register(wanted, permit.acting).await
    }

    /// Changes a client.
    pub async fn update_client(
        &self,
        id: ClientId,
        change: ClientChange,
        expected: i64,
        permit: Permit,
    ) -> Result<ClientUpdate, ClientError> {
        let updated = self
            .clients
            .update(id, change, Some(expected), permit.acting);
        updated.await
    }

    /// Gives a client a new secret: the chosen one, or a random one.
    pub async fn replace_client_secret(
        &self,
        id: ClientId,
        chosen: Option<TypedSecret>,
        permit: Permit,
    ) -> Result<ClientUpdate, ClientError> {
        match chosen {
            Some(secret) => self.clients.set_secret(id, secret, permit.acting).await,
            None => self.clients.rotate_secret(id, permit.acting).await,
        }
    }
}
