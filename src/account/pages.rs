//! A person's own pages: `/welcome`, `/account/…`, `/sign-out`.

mod apps;
mod device_link;
mod lock;
mod overview;
mod passkeys;
mod profile;
mod sessions;
mod sign_out;
mod visitor;
mod welcome;

use actix_web::web;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(welcome::routes)
        .configure(overview::routes)
        .configure(profile::routes)
        .configure(passkeys::routes)
        .configure(sessions::routes)
        .configure(apps::routes)
        .configure(device_link::routes)
        .configure(lock::routes)
        .configure(sign_out::routes);
}
