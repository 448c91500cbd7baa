//! Responses to requests that are refused before any handler runs, in the error format of the endpoint.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::json;

use super::Problem;
use super::paths::{AUTHZEN_PREFIX, OAUTH_ENDPOINTS};

/// Returns the response to a refused request: an OAuth error (RFC 6749 §5.2), an AuthZEN error message, or a problem document.
pub(super) fn refuse(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    tracing::info!(reason = problem.kind, "refused");
    let path = request.path();
    let (kind, text) = if OAUTH_ENDPOINTS.contains(&path) {
        let error = match problem.status {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            StatusCode::INTERNAL_SERVER_ERROR => "server_error",
            _ => "invalid_request",
        };
        let document = json!({ "error": error, "error_description": problem.detail });
        ("application/json", document.to_string())
    } else if path.starts_with(AUTHZEN_PREFIX) {
        (
            "text/plain; charset=utf-8",
            problem.detail.clone().into_owned(),
        )
    } else {
        return problem.error_response();
    };
    // The problem stays attached to the response: metrics count it, and browsers get it as a page.
    let (response, _) = problem.error_response().into_parts();
    let mut response = response.set_body(actix_web::body::BoxBody::new(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
