//! `/openapi.json`: the description of the API, generated from the annotations of its handlers. Parts common to all operations
//! are added in [`common_responses`].

mod common_responses;

use std::sync::LazyLock;

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use utoipa::OpenApi;

use crate::web::{Answer, Problem};
use common_responses::{CommonResponses, ProblemDocument};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Doorward",
        description = "Signs users in with passkeys, and lets services look them up. Callers: a user with a session cookie, a client with HTTP Basic, either with an access token. Errors are problem documents (RFC 9457). A page's script may name its user in the header `Doorward-User` (a user ID): a call with a cookie of another user is then refused with 409 `other-user`."
    ),
    modifiers(&CommonResponses),
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
        crate::account::http::create_device_link,
        crate::account::http::list_sessions,
        crate::account::http::end_other_sessions,
        crate::account::http::end_session,
        crate::account::http::apps::list_apps,
        crate::account::http::apps::withdraw_app,
        crate::admin::http::users::list_users,
        crate::admin::http::user_roles::lookup_users,
        crate::admin::http::user_roles::read_roles,
        crate::admin::http::users::read_user,
        crate::admin::http::users::update_user,
        crate::admin::http::users::suspend_user,
        crate::admin::http::users::reactivate_user,
        crate::admin::http::users::list_usernames,
        crate::admin::http::users::release_username,
        crate::admin::http::passkeys::list_passkeys,
        crate::admin::http::passkeys::revoke_passkey,
        crate::admin::http::sessions::list_sessions,
        crate::admin::http::sessions::end_all_sessions,
        crate::admin::http::sessions::end_session,
        crate::admin::http::invitations::invite,
        crate::admin::http::invitations::list_invitations,
        crate::admin::http::invitations::revoke_invitation,
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
        crate::admin::http::role_assignments::list_role_assignments,
        crate::admin::http::role_assignments::create_role_assignment,
        crate::admin::http::role_assignments::read_role_assignment,
        crate::admin::http::role_assignments::update_role_assignment,
        crate::admin::http::role_assignments::delete_role_assignment,
        crate::admin::http::resources::list_resources,
        crate::admin::http::resources::put_resource,
        crate::admin::http::resources::read_resource,
        crate::admin::http::resources::delete_resource,
        crate::admin::http::resources::list_resource_role_assignments,
        crate::admin::http::history::list_user_history,
        crate::admin::http::history::list_passkey_history,
        crate::admin::http::history::list_role_history,
        crate::admin::http::history::list_role_assignment_history,
        crate::admin::http::history::list_client_history,
        crate::admin::http::history::list_resource_history,
        crate::admin::http::audit::list_audit_events,
    )
)]
struct Api;

crate::web::routes! {
    "/openapi.json" => get read_openapi;
}

/// Built on the first request, because the unserialized document takes many megabytes. `None` if it can't be serialized.
static DOCUMENT: LazyLock<Option<web::Bytes>> =
    LazyLock::new(|| match serde_json::to_vec(&Api::openapi()) {
        Ok(document) => Some(document.into()),
        Err(error) => {
            tracing::error!(%error, "can't serialize the API description");
            None
        }
    });

async fn read_openapi() -> Answer {
    let document = DOCUMENT.clone().ok_or_else(Problem::internal)?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(document))
}
