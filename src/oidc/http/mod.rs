//! The endpoints that clients call: `/oauth2/…`, the two discovery documents and `WebFinger`. None of them reads cookies.

mod bearer;
mod cors;
mod documents;
mod problems;
mod token;
mod userinfo;
mod webfinger;

pub use webfinger::WebFinger;

use actix_web::http::Method;
use actix_web::{HttpRequest, guard, web};

use super::error::OAuthError;
use super::parameters::Parameters;
use super::path;
use crate::web::only;
use problems::OAuthProblem;

/// Registers the routes, outside the session middleware.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(webfinger::routes)
        .service(metadata("/.well-known/openid-configuration"))
        .service(metadata("/.well-known/oauth-authorization-server"))
        .service(
            web::resource(path::JWKS)
                .route(web::get().to(documents::read_jwks))
                .route(preflight(documents::allow_all))
                .default_service(only("GET")),
        )
        .service(
            web::resource(path::TOKEN)
                .route(web::post().to(token::issue_token))
                .route(preflight(cors::allow_known))
                .default_service(only("POST")),
        )
        .service(
            web::resource(path::USERINFO)
                .route(web::get().to(userinfo::read_user_info))
                .route(web::post().to(userinfo::read_user_info))
                .route(preflight(cors::allow_known))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource(path::INTROSPECT)
                .route(web::post().to(token::introspect_token))
                .default_service(only("POST")),
        )
        .service(
            web::resource(path::REVOKE)
                .route(web::post().to(token::revoke_token))
                .route(preflight(cors::allow_known))
                .default_service(only("POST")),
        );
}

/// Each path is its own service: two paths in one are matched by a regular expression, which costs more than
/// the rest of the response.
fn metadata(path: &str) -> actix_web::Resource {
    web::resource(path)
        .route(web::get().to(documents::read_metadata))
        .route(preflight(documents::allow_all))
        .default_service(only("GET"))
}

fn preflight<F, Args>(handler: F) -> actix_web::Route
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::method(Method::OPTIONS)
        .guard(guard::fn_guard(|context| {
            let headers = context.head().headers();
            headers.contains_key("access-control-request-method")
        }))
        .to(handler)
}

/// Parses the form in the body of a request (RFC 6749 §4.1.3).
pub(super) fn read_form(request: &HttpRequest, body: &[u8]) -> Result<Parameters, OAuthProblem> {
    if !is_form(request) {
        return Err(OAuthProblem::refused(not_a_form()));
    }
    Ok(Parameters::parse(body)?)
}

/// Whether the `Content-Type` of the request is that of a form.
pub(super) fn is_form(request: &HttpRequest) -> bool {
    let kind = request
        .headers()
        .get(actix_web::http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    kind.trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The error for a body that is not a form.
pub(super) fn not_a_form() -> OAuthError {
    OAuthError::invalid_request("send a form with Content-Type: application/x-www-form-urlencoded")
}
