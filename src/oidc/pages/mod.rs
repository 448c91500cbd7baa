//! The pages of the protocol, to which apps send users to sign in and to sign out.

mod authorize;
mod consent;
mod logout;
mod response;

use actix_web::{guard, web};

pub use consent::scope_descriptions;
pub use response::host_of;

use super::path;
use crate::web::only;

/// Registers the routes for forms that other sites may post, outside the session middleware: a cross-site request carries no
/// session cookie, so it is stored and the browser is redirected to it.
pub fn posted_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource(path::AUTHORIZE)
                .guard(guard::Post())
                .route(web::post().to(authorize::accept_posted_request)),
        )
        .service(
            web::resource(path::LOGOUT)
                .guard(guard::Post())
                .route(web::post().to(logout::accept_posted_logout)),
        );
}

/// Registers the routes inside the session middleware.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource(path::AUTHORIZE)
                .route(web::get().to(authorize::read_request))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/oauth2/authorize/{id}")
                .route(web::get().to(authorize::resume_request))
                .route(web::post().to(authorize::answer_request))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource(path::LOGOUT)
                .route(web::get().to(logout::read_logout))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/oauth2/logout/{id}")
                .route(web::get().to(logout::resume_logout))
                .route(web::post().to(logout::confirm_logout))
                .default_service(only("GET, POST")),
        );
}
