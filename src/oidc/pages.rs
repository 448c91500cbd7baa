//! The pages of the protocol: where apps send people to sign in and to sign out.

mod answer;
pub(super) mod authorize;
mod consent;
pub(super) mod logout;

use actix_web::web;

pub use answer::host_of;
pub use consent::sentences;

use super::discovery::path;
use crate::web::only;

/// The routes, within the session.
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
