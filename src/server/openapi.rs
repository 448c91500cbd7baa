//! `/openapi.json`: the own API, described by the annotations beside its handlers.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::web::only;

#[derive(OpenApi)]
#[openapi(
    modifiers(&Shared),
    info(
        title = "Doorward",
        description = "Signs people in with passkeys, and tells services who they are. Callers: a person's cookie, a client by HTTP Basic, or an access token. Errors are problem documents (RFC 9457)."
    ),
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

/// What every operation shares: who may call, and how a refusal looks (RFC 9457).
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.schemas.insert(PROBLEM.into(), problem_schema());
        for (name, scheme) in security_schemes() {
            components.add_security_scheme(name, scheme);
        }
        let any = ["cookie", "basic", "bearer"];
        let any = any.map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
        document.security = Some(any.to_vec());
        for item in document.paths.paths.values_mut() {
            let operations = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.patch,
                &mut item.delete,
            ];
            for operation in operations.into_iter().flatten() {
                describe_refusals(&mut operation.responses.responses);
            }
        }
    }
}

const PROBLEM: &str = "Problem";
const PROBLEM_TYPE: &str = "application/problem+json";

fn problem_schema() -> RefOr<Schema> {
    let text = || Object::with_type(Type::String);
    let problem = ObjectBuilder::new()
        .description(Some(
            "Why not, and what to do: branch on `type`, which is stable.",
        ))
        .property("type", text())
        .property("title", text())
        .property("status", Object::with_type(Type::Integer))
        .property("detail", text())
        .required("type")
        .required("title")
        .required("status")
        .required("detail");
    problem.build().into()
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let cookie = ApiKey::Cookie(ApiKeyValue::new("__Host-doorward-session"));
    [
        ("cookie", SecurityScheme::ApiKey(cookie)),
        (
            "basic",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
        ),
        (
            "bearer",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        ),
    ]
}

/// Every refusal that is described, and every other answer, is a problem document.
fn describe_refusals(responses: &mut BTreeMap<String, RefOr<Response>>) {
    let problem = || Content::new(Some(Ref::from_schema_name(PROBLEM)));
    for (status, response) in responses.iter_mut() {
        let is_refusal = status.starts_with(['4', '5']);
        if let (true, RefOr::T(response)) = (is_refusal, response) {
            response
                .content
                .insert(PROBLEM_TYPE.into(), problem().into());
        }
    }
    let other = ResponseBuilder::new()
        .description("Refused: a problem document says why and what to do")
        .content(PROBLEM_TYPE, problem())
        .build();
    responses.entry("default".into()).or_insert(other.into());
}

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
