//! The console: `/admin`, `/admin/users/{user}/…`, `/admin/roles`, `/admin/clients`, `/admin/resources`, `/admin/audit`. It works
//! without script.

mod access;
mod act;
mod administrator;
mod audit;
mod clients;
mod email;
mod end_sessions;
mod enrolment_link;
mod events;
mod grant_manager;
mod grants;
mod invitation_list;
mod invitations;
mod manager;
mod people;
mod person;
mod person_roles;
mod release_username;
mod resources;
mod revoke_passkey;
mod role_boxes;
mod roles;
mod suspend;
mod verify_email;

use actix_web::web;
use url::form_urlencoded;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(people::routes)
        .configure(invitations::routes)
        .configure(invitation_list::routes)
        .configure(clients::routes)
        .configure(audit::routes)
        .configure(grants::routes)
        .configure(resources::routes)
        .configure(person::routes)
        .configure(access::routes)
        .configure(person_roles::routes)
        .configure(roles::routes)
        .configure(suspend::routes)
        .configure(email::routes)
        .configure(verify_email::routes)
        .configure(release_username::routes)
        .configure(enrolment_link::routes)
        .configure(revoke_passkey::routes)
        .configure(end_sessions::routes);
}

/// An address with a query of those values that there are.
fn address(path: &str, values: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(values.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
