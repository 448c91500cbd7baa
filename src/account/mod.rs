//! A person's own account: what they see of themself, and what they may change and cut off.
//!
//! Promises that everything here concerns whoever is signed in, and nobody else. Owns no data.

mod http;
mod pages;

use actix_web::web;

/// The routes of this room.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(http::routes).configure(pages::routes);
}
