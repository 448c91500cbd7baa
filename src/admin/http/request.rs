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
        Box::pin(async move { commands_for(&request, caller.await?) })
    }
}

/// The operations for an authenticated caller.
pub(in crate::admin) fn commands_for(
    request: &HttpRequest,
    caller: Caller,
) -> Result<Commands, Problem> {
    fn app_data_of<T: 'static>(request: &HttpRequest) -> Result<Arc<T>, Problem> {
        Ok(app_data::<T>(request)?.clone().into_inner())
    }
    let author = author(request, caller.actor());
    Ok(Commands {
        actor: Actor::new(caller, author),
        users: app_data_of(request)?,
        passkeys: app_data_of(request)?,
        sessions: app_data_of(request)?,
        assignments: app_data_of(request)?,
        clients: app_data_of(request)?,
        oidc: app_data_of(request)?,
        database: app_data_of(request)?,
    })
}
