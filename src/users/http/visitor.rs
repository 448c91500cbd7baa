//! Finds the management rights of a page's user. They decide which users have access to the admin pages, and which pages
//! link to them.

use actix_web::{HttpMessage, HttpRequest};

use crate::sessions::PageVisitor;
use crate::users::{ManagementRights, Users};
use crate::web::{Problem, app_data};

/// Finds the management rights of a page's user, and shows the links to the admin pages in its frame accordingly.
pub async fn find_management_rights(
    request: &HttpRequest,
    visitor: &mut PageVisitor,
) -> Result<ManagementRights, Problem> {
    let account_state = &visitor.signed_in.account_state;
    if account_state.is_administrator() {
        return Ok(ManagementRights {
            is_administrator: true,
            ..ManagementRights::default()
        });
    }
    // Management rights come from roles alone. Most users have no roles, and cost no query.
    if account_state.roles.is_empty() {
        return Ok(ManagementRights::default());
    }
    let rights = app_data::<Users>(request)?.rights(visitor.user()).await?;
    if let Some(shown) = &mut visitor.frame.signed_in {
        shown.manages_users = !rights.manages_no_users();
        shown.manages_assignments = !rights.manages_assignments_on.is_empty();
        // If the request is refused, the error page shows the same links.
        request.extensions_mut().insert(shown.clone());
    }
    Ok(rights)
}
