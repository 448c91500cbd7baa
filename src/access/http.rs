//! HTTP routes of access decisions.

mod authzen;

use actix_web::web;

/// Registers the routes. They are outside every session: none of them reads a cookie.
pub fn routes(config: &mut web::ServiceConfig) {
    authzen::routes(config);
}
