//! `/admin/users/{user}/role-assignments`, `/admin/role-assignments/{role_assignment}`: administrators, and users who manage
//! resources by a role, create, update and delete role assignments.

pub(super) mod delete;
mod form;
pub(super) mod of_user;
pub(super) mod one;

use super::address;
use super::holder::Holder;
use crate::assignments::{Assignments, ResourceName, RoleAssignment, RoleAssignmentFilter};
use crate::base::ids::UserId;
use crate::web::Problem;
pub(super) use form::wrong;

/// Role assignments per page.
pub(super) const PAGE: usize = 50;
/// Role assignments on a user's page; the list has the rest.
const PREVIEW_LEN: usize = 10;

/// A role assignment as a row of a table, for `parts/assignments.html`.
pub(super) struct RoleAssignmentRow {
    pub(super) assignment: RoleAssignment,
    /// Name of the resource in a user's list, name of the user in a resource's list.
    pub(super) what: String,
    pub(super) what_url: String,
}

impl RoleAssignmentRow {
    /// A row in the list of a user.
    pub(super) fn of_user(assignment: RoleAssignment) -> Self {
        let resource = assignment.resource();
        Self {
            assignment,
            what: resource.to_string(),
            what_url: resource_url(&resource),
        }
    }

    /// A row in the list of a resource.
    pub(super) fn on_resource(assignment: RoleAssignment, holder: Holder) -> Self {
        Self {
            assignment,
            what_url: holder.url(),
            what: holder.name,
        }
    }
}

/// The first role assignments of a user, and whether there are more.
pub(super) async fn first_of(
    assignments: &Assignments,
    user: UserId,
) -> Result<(Vec<RoleAssignmentRow>, bool), Problem> {
    let page = assignments
        .list(RoleAssignmentFilter::of_user(user), PREVIEW_LEN)
        .await?;
    let rows = page
        .items
        .into_iter()
        .map(RoleAssignmentRow::of_user)
        .collect();
    Ok((rows, page.next.is_some()))
}

/// URL of a resource's page. The query contains type and ID, because some IDs would change the meaning of a path.
pub(super) fn resource_url(resource: &ResourceName) -> String {
    let names = [
        ("type", resource.kind.as_str()),
        ("id", resource.id.as_str()),
    ];
    address("/admin/resources/detail", &names)
}
