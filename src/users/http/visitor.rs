//! Finds the management rights of a page's user. They decide which users have access to the admin pages, and which pages
//! link to them.

use actix_web::{HttpMessage, HttpRequest, web};

use crate::sessions::PageVisitor;
use crate::users::{Rights, Users};
use crate::web::Problem;

/// Finds the management rights of a page's user, and shows the links to the admin pages in its frame accordingly.
pub async fn rights_of(
    request: &HttpRequest,
    visitor: &mut PageVisitor,
) -> Result<Rights, Problem> {
    let standing = &visitor.signed_in.standing;
    if standing.is_administrator() {
        return Ok(Rights {
            is_administrator: true,
            ..Rights::default()
        });
    }
    // Management rights come from roles alone. Most users have no roles, and cost no query.
    if standing.roles.is_empty() {
        return Ok(Rights::default());
    }
    let users = request.app_data::<web::Data<Users>>();
    let users = users.ok_or_else(Problem::internal)?;
    let rights = users.rights(visitor.user()).await?;
    if let Some(shown) = &mut visitor.frame.signed_in {
        shown.manages_people = !rights.manages_nobody();
        shown.manages_grants = !rights.manages_grants_on.is_empty();
        // If the request is refused, the error page shows the same links.
        request.extensions_mut().insert(shown.clone());
    }
    Ok(rights)
}
