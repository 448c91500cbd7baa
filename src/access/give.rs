//! Assigns roles on a resource.

use super::grant::{Grant, GrantError, Terms, begin};
use super::right::may_change;
use super::{Access, ResourceName, queries};
use crate::base::ids::UserId;
use crate::clients::ActingAs;

impl Access {
    /// Assigns roles on a resource to a user. A withdrawn or expired assignment is reused under its ID.
    ///
    /// # Errors
    /// [`GrantError::Exists`] if the user already holds roles on the resource, another reason why nothing was assigned, or
    /// [`GrantError::Pending`] if the assignment is committed but not yet in force.
    pub async fn give(
        &self,
        user: UserId,
        resource: ResourceName,
        terms: Terms,
        acting: ActingAs,
    ) -> Result<Grant, GrantError> {
        let today = self.clock.now();
        if terms.valid_until.is_some_and(|until| until <= today) {
            return Err(GrantError::Past);
        }
        let database = self.database.clone();
        let given = self
            .database
            .write(move |conn| {
                let (author, now) = begin(conn, &database, user, &acting)?;
                if !may_change(conn, &author, &resource.kind)? {
                    return Err(GrantError::NotYours);
                }
                let before = queries::find_grant_of(conn, user, &resource)?;
                let grant = match &before {
                    Some(before) if before.is_live_at(today) => {
                        return Err(GrantError::Exists(before.id));
                    }
                    Some(before) => {
                        let mut grant = before.on(terms);
                        grant.follow(before, now, &author);
                        queries::update_grant(conn, &grant)?;
                        grant
                    }
                    None => {
                        let grant = Grant::new(user, resource, terms, now, &author);
                        queries::insert_grant(conn, &grant)?;
                        grant
                    }
                };
                grant.keep(conn, "grant.given", before.as_ref(), None, &author)?;
                Ok(grant)
            })
            .await;
        // A retried request finds the assignment that its first attempt wrote, which may not have been published yet.
        if matches!(given, Ok(_) | Err(GrantError::Exists(_))) {
            self.standings.publish(user).await?;
        }
        given
    }
}
