//! The extractor of account pages: the signed-in user, with a frame that links to the admin pages which the user may see.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::sessions::{PageAccessError, PageVisitor};
use crate::users::http::find_management_rights;

/// The signed-in user, who visits a page of their own account.
#[derive(Debug)]
pub(super) struct SignedInVisitor(pub(super) PageVisitor);

impl FromRequest for SignedInVisitor {
    type Error = PageAccessError;
    type Future = LocalBoxFuture<'static, Result<Self, PageAccessError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = PageVisitor::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let mut visitor = visitor.await?;
            find_management_rights(&request, &mut visitor).await?;
            Ok(Self(visitor))
        })
    }
}
