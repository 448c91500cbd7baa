//! Withdraws a role assignment.

use super::change::find_changeable;
use super::grant::{Grant, GrantError, begin};
use super::{Access, queries};
use crate::base::ids::GrantId;
use crate::clients::ActingAs;

impl Access {
    /// Withdraws an assignment: its roles no longer count from the next request on, on every instance. Idempotent. With
    /// `expected`, only if that is the current version.
    ///
    /// # Returns
    /// The assignment before the change. It has no roles if it had already been withdrawn.
    ///
    /// # Errors
    /// The reason why nothing was withdrawn, or [`GrantError::Pending`] if the change is committed but not yet in force.
    pub async fn withdraw(
        &self,
        id: GrantId,
        expected: Option<i64>,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Grant, GrantError> {
        let user = self.holder_of(id).await?;
        let database = self.database.clone();
        let before = self
            .database
            .write(move |conn| {
                let (author, now) = begin(conn, &database, user, &acting)?;
                let before = find_changeable(conn, id, &author)?;
                if before.is_withdrawn() {
                    return Ok(before);
                }
                if expected.is_some_and(|expected| expected != before.version) {
                    return Err(GrantError::VersionIs(before.version));
                }
                let mut grant = before.withdrawn();
                grant.follow(&before, now, &author);
                queries::update_grant(conn, &grant)?;
                let reason = reason.as_deref();
                grant.keep(conn, "grant.withdrawn", Some(&before), reason, &author)?;
                Ok::<_, GrantError>(before)
            })
            .await?;
        self.standings.publish(user).await?;
        Ok(before)
    }
}
