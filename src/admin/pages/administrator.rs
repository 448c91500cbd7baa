//! The extractor of the console: an administrator who looks at it.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::sessions::{CallerError, PageVisitor, TurnedAway};
use crate::users::http::rights_of;
use crate::web::Problem;

/// An administrator who looks at a page.
#[derive(Debug)]
pub(super) struct Administrator(pub(super) PageVisitor);

impl Administrator {
    /// Whether their last ceremony is recent: asked before every act.
    pub(super) fn is_fresh(&self) -> bool {
        self.0.signed_in.is_fresh()
    }
}

impl FromRequest for Administrator {
    type Error = TurnedAway;
    type Future = LocalBoxFuture<'static, Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = PageVisitor::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut visitor = visitor.await?;
            if rights_of(&request, &mut visitor).await?.is_administrator {
                return Ok(Self(visitor));
            }
            Err(Problem::from(CallerError::NotAdministrator).into())
        })
    }
}
