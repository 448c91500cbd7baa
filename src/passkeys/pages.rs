//! The pages that let somebody in: set-up, join, sign-in, and what to do when the passkey is lost.

mod bring_invitation;
mod join;
mod link_gone;
mod login;
mod lost;
mod on_the_way;
mod setup;

use actix_web::web;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(login::routes)
        .configure(lost::routes)
        .configure(setup::routes)
        .configure(bring_invitation::routes)
        .configure(join::routes);
}
