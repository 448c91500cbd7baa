//! Cross-site requests are refused before any handler runs (DESIGN rule 10).

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, web};

use super::{Problem, Web};

/// Middleware: a request that could change something and carries a cookie, or may set one, must come from our own pages.
///
/// # Errors
/// `cross-site` for one that does not; those of the inner service.
pub async fn refuse_cross_site<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let origins = request.app_data::<web::Data<Web>>().cloned();
    if needs_same_origin(request.request())
        && !origins.is_some_and(|web| is_same_origin(request.request(), &web))
    {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross-site",
            "Not from our own pages",
            "Requests with a cookie must come from Doorward's own pages: send `Origin` with its public URL.",
        )
        .into());
    }
    next.call(request).await
}

/// Middleware: an address with a null byte in it names nothing (and PostgreSQL takes none in a text).
///
/// # Errors
/// `invalid-parameter` for one that does; those of the inner service.
pub async fn refuse_null_bytes<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    if request.uri().to_string().contains("%00") {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-parameter",
            "A parameter can't be used",
            "The address holds a null byte.",
        )
        .into());
    }
    next.call(request).await
}

fn needs_same_origin(request: &HttpRequest) -> bool {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return false;
    }
    let headers = request.headers();
    // A ceremony and a page's form may set a cookie; the rest of the API only reads one.
    let only_reads_cookies = request.path().starts_with("/v1/");
    // Basic and Bearer callers are judged by that alone: the cookie beside it is never looked at.
    let is_own_credential = headers.contains_key(header::AUTHORIZATION);
    !only_reads_cookies || (headers.contains_key(header::COOKIE) && !is_own_credential)
}

fn is_same_origin(request: &HttpRequest, web: &Web) -> bool {
    let one = |name: header::HeaderName| {
        let mut values = request.headers().get_all(name);
        let first = values.next().and_then(|value| value.to_str().ok());
        // Two `Origin` headers are one too many.
        first.filter(|_| values.next().is_none())
    };
    let Some(origin) = one(header::ORIGIN) else {
        return false;
    };
    let from_here = web.origins.iter().enumerate().any(|(index, ours)| {
        // A related name is a name of its own: its pages talk to it, not to the public URL.
        origin == ours.as_str() && (index == 0 || one(header::HOST) == Some(ours.authority()))
    });
    let site = request.headers().get("sec-fetch-site");
    from_here && site.is_none_or(|site| site.as_bytes() == b"same-origin")
}
