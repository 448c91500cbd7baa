//! Revokes passkeys of users.

use super::{Commands, Permit};
use crate::base::ids::{PasskeyId, UserId};
use crate::passkeys::{ManageError, RevocationResult, RevokeAs};

impl Commands {
    /// Revokes a passkey. Administrators can't revoke the last passkey of their own.
    pub async fn revoke_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        reason: Option<String>,
        permit: Permit,
    ) -> Result<RevocationResult, ManageError> {
        let right = if self.actor.user() == Some(user) {
            RevokeAs::Owner
        } else {
            RevokeAs::Manager(permit.permissions)
        };
        let revoked = self.passkeys.revoke(user, id, reason, right, permit.acting);
        revoked.await
    }
}
