//! Roles that a client's registration names, so that only their holders may use it.

use super::{Users, queries};
use crate::clients::{ClientChange, ClientError, Fault, FieldFault};

impl Users {
    /// Checks that the roles which a change of a client newly allows exist. `before` are those that the client allows already.
    ///
    /// # Errors
    /// The first role that does not exist, or that the database is unavailable.
    pub async fn require_allowed_roles(
        &self,
        change: &ClientChange,
        before: &[String],
    ) -> Result<(), ClientError> {
        let wanted = change.new_roles(before);
        if wanted.is_empty() {
            return Ok(());
        }
        let missing = self
            .database
            .read(move |conn| queries::missing_role(conn, &wanted))
            .await?;
        match missing {
            Some(role) => {
                Err(FieldFault::unknown("allowed_roles", Fault::RoleUnknown, &role).into())
            }
            None => Ok(()),
        }
    }
}
