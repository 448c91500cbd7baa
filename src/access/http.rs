//! Decisions through HTTP.

mod authzen;

use actix_web::web;

/// The routes, outside of every session: none of them looks at a cookie.
pub fn routes(config: &mut web::ServiceConfig) {
    authzen::routes(config);
}
