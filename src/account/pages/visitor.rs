//! The extractor of a person's own pages: who they are, and whether the frame leads to the console.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::sessions::{PageVisitor, TurnedAway};
use crate::users::http::rights_of;

/// A person who looks at a page of their own.
#[derive(Debug)]
pub(super) struct Owner(pub(super) PageVisitor);

impl FromRequest for Owner {
    type Error = TurnedAway;
    type Future = LocalBoxFuture<'static, Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = PageVisitor::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut visitor = visitor.await?;
            rights_of(&request, &mut visitor).await?;
            Ok(Self(visitor))
        })
    }
}
