//! `/openapi.json`: the own API, described by the annotations beside its handlers. What is the same everywhere is said once, in
//! [`shared`].

mod shared;

use actix_web::{HttpResponse, web};
use utoipa::OpenApi;

use crate::web::only;
use shared::{ProblemDocument, Shared};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Doorward",
        description = "Signs people in with passkeys, and tells services who they are. Callers: a person by their cookie, a client by HTTP Basic, either by an access token. Errors are problem documents (RFC 9457)."
    ),
    modifiers(&Shared),
    components(schemas(ProblemDocument)),
    security(("cookie" = []), ("basic" = []), ("bearer" = [])),
    paths(
        crate::sessions::http::read_session,
        crate::sessions::http::delete_session,
        crate::passkeys::http::register::start_registration,
        crate::passkeys::http::register::finish_registration,
        crate::passkeys::http::login::start_login,
        crate::passkeys::http::login::finish_login,
        crate::passkeys::http::step_up::start_step_up,
        crate::passkeys::http::step_up::finish_step_up,
        crate::account::http::read_me,
        crate::account::http::update_me,
        crate::account::http::suspend_me,
        crate::account::http::list_passkeys,
        crate::account::http::rename_passkey,
        crate::account::http::revoke_passkey,
        crate::account::http::make_device_link,
        crate::account::http::list_sessions,
        crate::account::http::end_other_sessions,
        crate::account::http::end_session,
        crate::account::http::apps::list_apps,
        crate::account::http::apps::withdraw_app,
        crate::users::http::list_users,
        crate::users::http::lookup_users,
        crate::users::http::read_user,
        crate::users::http::read_roles,
        crate::admin::http::users::update_user,
        crate::admin::http::users::suspend_user,
        crate::admin::http::users::reactivate_user,
        crate::admin::http::passkeys::list_passkeys,
        crate::admin::http::passkeys::revoke_passkey,
        crate::admin::http::sessions::list_sessions,
        crate::admin::http::sessions::end_all_sessions,
        crate::admin::http::sessions::end_session,
        crate::admin::http::invitations::invite,
        crate::admin::http::roles::list_roles,
        crate::admin::http::roles::create_role,
        crate::admin::http::roles::read_role,
        crate::admin::http::roles::update_role,
        crate::admin::http::roles::delete_role,
        crate::admin::http::clients::list_clients,
        crate::admin::http::clients::register_client,
        crate::admin::http::clients::read_client,
        crate::admin::http::clients::update_client,
        crate::admin::http::clients::delete_client,
        crate::admin::http::clients::rotate_secret,
        crate::admin::http::clients::disable_client,
        crate::admin::http::clients::enable_client,
        crate::admin::http::audit::list_audit_events,
    )
)]
struct Api;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let document = web::Data::new(Api::openapi());
    config.service(
        web::resource("/openapi.json")
            .app_data(document)
            .route(web::get().to(read_openapi))
            .default_service(only("GET")),
    );
}

async fn read_openapi(document: web::Data<utoipa::openapi::OpenApi>) -> HttpResponse {
    HttpResponse::Ok().json(document.get_ref())
}
