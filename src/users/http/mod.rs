//! The HTTP parts of users that several modules share: error responses, the representation of a user, and the management rights of
//! a page's user.

mod visitor;

use actix_web::{HttpRequest, HttpResponse};

use super::{LastAdministrator, LookupError, User, UserView};
use crate::web::{Answer, Problem, respond_with_version};

pub use visitor::find_management_rights;

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Unknown => Self::not_found(),
            LookupError::Database(error) => error.into(),
        }
    }
}

impl From<LastAdministrator> for Problem {
    fn from(_: LastAdministrator) -> Self {
        Self::conflict(
            "last-administrator",
            "This is the only administrator",
            "There would be no administrator left. Make another user an administrator first.",
        )
    }
}

/// Responds with a user and their entity tag, or with 304 if the client has this version.
pub fn answer_user(request: &HttpRequest, user: User) -> Answer {
    let version = user.version;
    respond_with_version(request, HttpResponse::Ok(), version, UserView::from(user))
}
