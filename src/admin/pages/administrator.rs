//! The extractor of the console: an administrator who looks at it.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::manager::Manager;
use crate::clients::{ActingAs, Permission};
use crate::sessions::{CallerError, PageVisitor, TurnedAway};
use crate::web::Problem;

/// An administrator who looks at a page.
#[derive(Debug)]
pub(super) struct Administrator(pub(super) PageVisitor);

impl Administrator {
    /// Whether their last ceremony is recent: asked before every act.
    pub(super) fn is_fresh(&self) -> bool {
        self.0.signed_in.is_fresh()
    }

    /// The administrator as the caller of an operation that changes something.
    pub(super) fn acting(&self, request: &HttpRequest) -> ActingAs {
        self.0.signed_in.acting(request, Permission::Administrator)
    }
}

impl FromRequest for Administrator {
    type Error = TurnedAway;
    type Future = LocalBoxFuture<'static, Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let manager = Manager::from_request(request, payload);
        Box::pin(async move {
            let manager = manager.await?;
            if manager.rights.is_administrator {
                return Ok(Self(manager.visitor));
            }
            Err(Problem::from(CallerError::NotAdministrator).into())
        })
    }
}
