//! What handlers of several modules need of users: errors, the representation of a user, a visitor's rights.

mod visitor;

use actix_web::{HttpRequest, HttpResponse};

use super::{LastAdministrator, LookupError, User, UserView};
use crate::web::{Problem, tagged};

pub use visitor::rights_of;

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

/// A person with their entity tag; 304 where the caller has this version.
pub fn answer_user(request: &HttpRequest, user: User) -> HttpResponse {
    let etag = user.etag();
    tagged(request, HttpResponse::Ok(), &etag, UserView::from(user))
}
