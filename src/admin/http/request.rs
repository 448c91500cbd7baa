//! Builds the administrative operations for the caller of a request.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::admin::commands::{Actor, Commands};
use crate::sessions::Caller;
use crate::web::{Problem, app_data, author};

impl FromRequest for Commands {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move { commands_of(&request, caller.await?) })
    }
}

/// The operations for an authenticated caller.
pub(in crate::admin) fn commands_of(
    request: &HttpRequest,
    caller: Caller,
) -> Result<Commands, Problem> {
    fn shared<T: 'static>(request: &HttpRequest) -> Result<Arc<T>, Problem> {
        Ok(app_data::<T>(request)?.clone().into_inner())
    }
    let author = author(request, caller.actor());
    Ok(Commands {
        actor: Actor::new(caller, author),
        users: shared(request)?,
        passkeys: shared(request)?,
        sessions: shared(request)?,
        assignments: shared(request)?,
        clients: shared(request)?,
        oidc: shared(request)?,
        database: shared(request)?,
    })
}
