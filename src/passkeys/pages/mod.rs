//! Pages for set-up, invitations, sign-in and lost passkeys.

mod continue_parameter;
mod enter_invitation;
mod join;
mod link_gone;
mod login;
mod lost;
mod setup;

use actix_web::web;

/// Registers the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(login::routes)
        .configure(lost::routes)
        .configure(setup::routes)
        .configure(enter_invitation::routes)
        .configure(join::routes);
}
