//! Registers and changes clients.

use super::{CommandError, Commands};
use crate::base::ids::ClientId;
use crate::clients::Scope;
use crate::users::Permit;

impl Commands {
    /// Requires an administrator or a client with the scope, and a recent sign-in.
    pub fn permit_clients(&self) -> Result<Permit, CommandError> {
        self.actor.require(Scope::ClientsWrite)?;
        Ok(self.actor.permit(Scope::ClientsWrite)?)
    }

    /// The ID of the client to change. The permission is checked before the ID is parsed.
    pub fn client_to_change(&self, id: &str) -> Result<(ClientId, Permit), CommandError> {
        let permit = self.permit_clients()?;
        let id = ClientId::named(id).ok_or(CommandError::NotFound)?;
        Ok((id, permit))
    }
}
