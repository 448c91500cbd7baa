//! A refusal before any handler ran, in the form that clients of the address expect.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::json;

use super::Problem;
use super::guards::{DECISIONS, OAUTH_ENDPOINTS};

/// The answer to a refused request: an OAuth error (RFC 6749 §5.2), AuthZEN's error message, or a problem document.
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
    } else if path.starts_with(DECISIONS) {
        (
            "text/plain; charset=utf-8",
            problem.detail.clone().into_owned(),
        )
    } else {
        return problem.error_response();
    };
    // The problem stays with the answer: it is counted, and shown as a page where a person asked.
    let (response, _) = problem.error_response().into_parts();
    let mut response = response.set_body(actix_web::body::BoxBody::new(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
