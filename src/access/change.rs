//! Changes a role assignment.

use super::grant::{Grant, GrantError, begin};
use super::right::may_change;
use super::text::{Description, GrantRoles, Title};
use super::{Access, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{GrantId, UserId};
use crate::clients::ActingAs;
use crate::db::Connection;
use crate::history::Author;

/// The fields of a role assignment to change. `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct GrantChange {
    /// Replaces all roles.
    pub roles: Option<GrantRoles>,
    /// Sets the title, or removes it.
    pub title: Option<Option<Title>>,
    /// Sets the description, or removes it.
    pub description: Option<Option<Description>>,
    /// Sets the expiry time, or removes it.
    pub valid_until: Option<Option<Timestamp>>,
}

impl GrantChange {
    fn apply(self, before: &Grant) -> Grant {
        let mut grant = before.clone();
        if let Some(roles) = self.roles {
            grant.roles = roles.into_names();
        }
        if let Some(title) = self.title {
            grant.title = title.map(Title::into_text);
        }
        if let Some(description) = self.description {
            grant.description = description.map(Description::into_text);
        }
        if let Some(valid_until) = self.valid_until {
            grant.valid_until = valid_until;
        }
        grant
    }
}

impl Access {
    /// Changes a role assignment that was not withdrawn; it may have expired. With `expected`, only if that is
    /// the current version.
    ///
    /// # Errors
    /// The reason why nothing was changed, or [`GrantError::Pending`] if the change is committed but not yet in force.
    pub async fn change(
        &self,
        id: GrantId,
        change: GrantChange,
        expected: Option<i64>,
        acting: ActingAs,
    ) -> Result<Grant, GrantError> {
        let today = self.clock.now();
        if change
            .valid_until
            .flatten()
            .is_some_and(|until| until <= today)
        {
            return Err(GrantError::Past);
        }
        let user = self.holder_of(id).await?;
        let database = self.database.clone();
        let changed = self
            .database
            .write(move |conn| {
                let (author, now) = begin(conn, &database, user, &acting)?;
                let before = find_changeable(conn, id, &author)?;
                if before.is_withdrawn() {
                    return Err(GrantError::Unknown);
                }
                if expected.is_some_and(|expected| expected != before.version) {
                    return Err(GrantError::VersionIs(before.version));
                }
                let mut grant = change.apply(&before);
                if grant == before {
                    return Ok(grant);
                }
                grant.follow(&before, now, &author);
                queries::update_grant(conn, &grant)?;
                grant.keep(conn, "grant.changed", Some(&before), None, &author)?;
                Ok(grant)
            })
            .await;
        // A retried request finds the version that its first attempt wrote, which may not have been published yet.
        if matches!(changed, Ok(_) | Err(GrantError::VersionIs(_))) {
            self.standings.publish(user).await?;
        }
        changed
    }

    /// Returns the ID of the user who holds the assignment, which never changes.
    pub(super) async fn holder_of(&self, id: GrantId) -> Result<UserId, GrantError> {
        let find = move |conn: &mut Connection| Ok::<_, GrantError>(queries::find_grant(conn, id)?);
        let grant = self.database.read(find).await?;
        Ok(grant.ok_or(GrantError::Unknown)?.user_id)
    }
}

/// Reads an assignment while the caller holds the user's lock. Returns `Unknown` if the author may not manage assignments on its
/// resource type, so that its existence isn't revealed.
pub(super) fn find_changeable(
    conn: &mut Connection,
    id: GrantId,
    author: &Author,
) -> Result<Grant, GrantError> {
    let grant = queries::find_grant(conn, id)?.ok_or(GrantError::Unknown)?;
    if !may_change(conn, author, &grant.resource_type)? {
        return Err(GrantError::Unknown);
    }
    Ok(grant)
}
