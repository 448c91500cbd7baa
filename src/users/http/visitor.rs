//! What the visitor of a page may manage: the console lets them in by it, and every page leads there by it.

use actix_web::{HttpMessage, HttpRequest, web};

use crate::sessions::PageVisitor;
use crate::users::{Rights, Users};
use crate::web::Problem;

/// Finds what a visitor may manage, and lets the frame of their page know.
///
/// # Errors
/// `unavailable` when the database is away.
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
    // Rights come from roles alone: most people have none, and cost no query.
    if standing.roles.is_empty() {
        return Ok(Rights::default());
    }
    let users = request.app_data::<web::Data<Users>>();
    let users = users.ok_or_else(Problem::internal)?;
    let rights = users.rights(visitor.user()).await?;
    if let Some(shown) = &mut visitor.frame.signed_in {
        shown.manages_people = !rights.manages_nobody();
        shown.manages_grants = !rights.manages_grants_on.is_empty();
        // Should the request be refused, its page shows the same.
        request.extensions_mut().insert(shown.clone());
    }
    Ok(rights)
}
