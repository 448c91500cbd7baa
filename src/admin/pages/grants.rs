//! `/admin/users/{user}/grants`, `/admin/grants/{grant}`: administrators, and users who manage resources by a role, create,
//! change and withdraw role assignments.

mod form;
pub(super) mod of_person;
pub(super) mod one;
pub(super) mod withdraw;

use super::address;
use super::holder::Holder;
use crate::access::{Access, Grant, GrantFilter, ResourceName};
use crate::base::ids::{GrantId, UserId};
use crate::web::{Moment, Problem};
pub(super) use form::wrong;

/// Role assignments per page.
pub(super) const PAGE: usize = 50;
/// Role assignments on a user's page; the list has the rest.
const FEW: usize = 10;

/// A role assignment as a row of a table, for `parts/grants.html`.
pub(super) struct GrantRow {
    pub(super) id: GrantId,
    /// Name of the resource in a user's list, name of the user in a resource's list.
    pub(super) what: String,
    pub(super) what_url: String,
    pub(super) title: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) until: Option<Moment>,
    pub(super) since: Moment,
}

impl GrantRow {
    fn new(grant: Grant, what: String, what_url: String) -> Self {
        Self {
            id: grant.id,
            what,
            what_url,
            title: grant.title,
            roles: grant.roles,
            until: grant.valid_until.map(Moment::from),
            since: grant.as_of.into(),
        }
    }

    /// A row in the list of a user.
    pub(super) fn of_person(grant: Grant) -> Self {
        let thing = grant.resource();
        let url = thing_url(&thing);
        Self::new(grant, thing.to_string(), url)
    }

    /// A row in the list of a resource.
    pub(super) fn on_thing(grant: Grant, holder: Holder) -> Self {
        let url = holder.url();
        Self::new(grant, holder.name, url)
    }
}

/// The first role assignments of a user, and whether there are more.
pub(super) async fn first_of(
    access: &Access,
    user: UserId,
) -> Result<(Vec<GrantRow>, bool), Problem> {
    let page = access.list(GrantFilter::of_user(user), FEW).await?;
    let rows = page.items.into_iter().map(GrantRow::of_person).collect();
    Ok((rows, page.next.is_some()))
}

/// URL of a resource's page. The query contains type and ID, because some IDs would change the meaning of a path.
pub(super) fn thing_url(thing: &ResourceName) -> String {
    let names = [("type", thing.kind.as_str()), ("id", thing.id.as_str())];
    address("/admin/resources/thing", &names)
}
