//! Which grants there are: of a person, on a thing, of anybody; now, or as they stood at an instant.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::grant::{Grant, GrantError};
use super::{Access, ResourceId, ResourceName, ResourceType, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{GrantId, UserId};
use crate::db::{self, Connection};
use crate::history::{self, PastInstant, PastInstantError};
use crate::users::RoleName;
use crate::web::Page;

/// Which grants to list.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    /// Of this person.
    pub user: Option<UserId>,
    /// On things of this kind.
    pub kind: Option<ResourceType>,
    /// On things of this id.
    pub id: Option<ResourceId>,
    /// With this role; no index leads to it, so that alone it is for lists that somebody reads now and then.
    pub role: Option<RoleName>,
    /// On things of one of these kinds, where the caller sees no others.
    pub of_types: Option<BTreeSet<String>>,
    /// Further on in the list: the cursor.
    pub after: Option<Uuid>,
}

/// The most grants that are looked at for one page of the past; what was withdrawn by then fills no page.
const WORK: usize = 1000;
/// How many are looked at together.
const CHUNK: usize = 100;

impl GrantFilter {
    /// Of one person.
    pub fn of_user(user: UserId) -> Self {
        Self {
            user: Some(user),
            ..Self::default()
        }
    }

    /// On one thing.
    pub fn on(resource: ResourceName) -> Self {
        Self {
            kind: Some(resource.kind),
            id: Some(resource.id),
            ..Self::default()
        }
    }

    /// Whether it names one thing: then the order is that of its holders' ids, else that of the grants' own.
    pub(super) fn is_one_thing(&self) -> bool {
        self.kind.is_some() && self.id.is_some()
    }

    /// A grant's place in the order.
    fn place(&self, id: GrantId, user: UserId) -> Uuid {
        if self.is_one_thing() {
            user.uuid()
        } else {
            id.uuid()
        }
    }
}

impl Access {
    /// Live grants, at most `limit`.
    pub async fn list(&self, filter: GrantFilter, limit: usize) -> db::Result<Page<Grant>> {
        let today = self.clock.now();
        self.database
            .read(move |conn| list_live(conn, &filter, today, limit))
            .await
    }

    /// The grants that stood at an instant, at most `limit`; a page may be shorter and have a next one all the same.
    ///
    /// # Errors
    /// `Future`, or when the database is away.
    pub async fn list_as_of(
        &self,
        filter: GrantFilter,
        at: Timestamp,
        limit: usize,
    ) -> Result<(Page<Grant>, PastInstant), PastInstantError> {
        let database = self.database.clone();
        self.database
            .read(move |conn| {
                let instant = PastInstant::judge(conn, &database, at)?;
                Ok((list_past(conn, &filter, at, limit)?, instant))
            })
            .await
    }

    /// A grant that was not withdrawn.
    ///
    /// # Errors
    /// `Unknown`, or when the database is away.
    pub async fn read(&self, id: GrantId) -> Result<Grant, GrantError> {
        let find = move |conn: &mut Connection| Ok::<_, GrantError>(queries::find_grant(conn, id)?);
        let grant = self.database.read(find).await?;
        let grant = grant.filter(|grant| !grant.is_withdrawn());
        grant.ok_or(GrantError::Unknown)
    }
}

/// A page of what counts today.
pub(super) fn list_live(
    conn: &mut Connection,
    filter: &GrantFilter,
    today: Timestamp,
    limit: usize,
) -> db::Result<Page<Grant>> {
    let found = queries::list_live(conn, filter, today, Page::<Grant>::fetch(limit))?;
    let place = |grant: &Grant| filter.place(grant.id, grant.user_id).to_string();
    Ok(Page::cut(found, limit, place))
}

/// A page of what counted at an instant.
pub(super) fn list_past(
    conn: &mut Connection,
    filter: &GrantFilter,
    at: Timestamp,
    limit: usize,
) -> db::Result<Page<Grant>> {
    let mut filter = filter.clone();
    let mut items = Vec::new();
    let mut looked = 0_usize;
    loop {
        let most = Page::<Grant>::fetch(CHUNK);
        let ever = Page::cut(queries::list_ever(conn, &filter, most)?, CHUNK, |_| {
            String::new()
        });
        for (id, user, begun) in ever.items {
            if items.len() >= limit || looked >= WORK {
                let next = filter.after.map(|after| after.to_string());
                return Ok(Page { items, next });
            }
            looked = looked.saturating_add(1);
            filter.after = Some(filter.place(id, user));
            let revision = history::find_as_of(conn, "grant", id.uuid(), at)?;
            let grant = revision.and_then(|revision| Grant::of_revision(id, begun, revision));
            let counts = |grant: &Grant| grant.is_live_at(at) && filter.takes_role_of(grant);
            items.extend(grant.filter(counts));
        }
        if ever.next.is_none() {
            return Ok(Page { items, next: None });
        }
    }
}

impl GrantFilter {
    fn takes_role_of(&self, grant: &Grant) -> bool {
        let role = self.role.as_ref().map(RoleName::as_str);
        role.is_none_or(|role| grant.roles.iter().any(|held| held == role))
    }
}
