//! Middleware that refuses requests before any handler runs: cross-site requests, null bytes in URLs, and bodies
//! that exceed their limits.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};

use super::parse::media_type;
use super::paths::{AUTHZEN_PREFIX, ENVOY, OAUTH_ENDPOINTS, PROXY_PREFIXES, is_api_path};
use super::refusal_response::refuse;
use super::request_body::read_body;
use super::{Problem, RequestActivity, Web};

/// Middleware, outside the session middleware: refuses invalid requests and reads the whole body of the others before their
/// handlers run. Refusals are responses, not errors.
pub async fn guard<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let checked =
        refuse_null_bytes(request.request()).and_then(|()| refuse_cross_site(request.request()));
    let mut payload = request.take_payload();
    let whole = match checked {
        Ok(()) => read_body(&mut request, &mut payload).await,
        Err(problem) => Err(problem),
    };
    if let Some(activity) = request.request().conn_data::<RequestActivity>() {
        activity.keep_unread(payload);
    }
    match whole {
        // The body's share of the budget is returned after the response is complete.
        Ok(_held) => {
            treat_head_as_get(&mut request);
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(problem) => {
            let answer = refuse(request.request(), &problem);
            Ok(request.into_response(answer).map_into_right_body())
        }
    }
}

/// RFC 9110 §9.3.2: HEAD is supported wherever GET is, with the same headers. From here on it is treated as GET; the body is left
/// out when the response is written. Envoy's checks use the method of the checked request, so it is not changed there.
pub fn treat_head_as_get(request: &mut ServiceRequest) {
    if *request.method() == Method::HEAD && !request.path().starts_with(ENVOY) {
        request.head_mut().method = Method::GET;
    }
}

/// Refuses writes that carry a cookie, or may set one, unless they come from our own pages.
fn refuse_cross_site(request: &HttpRequest) -> Result<(), Problem> {
    if !needs_same_origin(request) {
        return Ok(());
    }
    match request.app_data::<web::Data<Web>>() {
        Some(web) if is_same_origin(request, web) && !is_form_at_api(request) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross-site",
            "Cross-origin request refused",
            "Requests with a cookie must come from this server's own pages. Send `Origin` with its public URL.",
        )),
    }
}

/// Refuses URLs with a null byte. No resource has such a name, and PostgreSQL accepts no null byte in text.
fn refuse_null_bytes(request: &HttpRequest) -> Result<(), Problem> {
    let address = request.uri().path_and_query();
    if address.is_some_and(|address| address.as_str().contains("%00")) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-parameter",
            "Invalid parameter",
            "The URL contains a null byte. Remove it.",
        ));
    }
    Ok(())
}

fn needs_same_origin(request: &HttpRequest) -> bool {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return false;
    }
    let headers = request.headers();
    // Cross-site POST requests are allowed here, because their handlers ignore cookies.
    if OAUTH_ENDPOINTS.contains(&request.path()) || request.path().starts_with(AUTHZEN_PREFIX) {
        return false;
    }
    // Requests at protected hosts, forwarded by a proxy: these endpoints use none of this host's cookies,
    // and check `Origin` themselves.
    if PROXY_PREFIXES
        .iter()
        .any(|prefix| request.path().starts_with(prefix))
    {
        return false;
    }
    // Ceremonies and forms may set a cookie; the rest of the API only reads cookies.
    let only_reads_cookies = request.path().starts_with("/v1/");
    // Callers with Basic or Bearer credentials are authenticated by those alone; their cookies are ignored.
    let is_own_credential = headers.contains_key(header::AUTHORIZATION);
    !only_reads_cookies || (headers.contains_key(header::COOKIE) && !is_own_credential)
}

/// Returns whether a form was submitted to an API. Scripts call APIs with other media types. A form there comes from a page of
/// ours that was made to send it (the page of `response_mode=form_post` sends forms to registered URLs).
fn is_form_at_api(request: &HttpRequest) -> bool {
    // Forms use no other method that writes (HTML §4.10.19.6).
    if *request.method() != Method::POST || !is_api_path(request.path()) {
        return false;
    }
    let is_navigation = request
        .headers()
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode.as_bytes() == b"navigate");
    let is_form = matches!(
        media_type(request).as_deref(),
        Some("application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain")
    );
    is_navigation || is_form
}

fn is_same_origin(request: &HttpRequest, web: &Web) -> bool {
    let one = |name: header::HeaderName| {
        let mut values = request.headers().get_all(name);
        let first = values.next().and_then(|value| value.to_str().ok());
        // Two `Origin` headers are ambiguous, so the request is refused.
        first.filter(|_| values.next().is_none())
    };
    let Some(origin) = one(header::ORIGIN) else {
        return false;
    };
    let from_here = web.origins.iter().enumerate().any(|(index, ours)| {
        // A related origin is a host of its own: its pages send requests to that host, not to the public URL.
        origin == ours.as_str() && (index == 0 || one(header::HOST) == Some(ours.authority()))
    });
    let site = request.headers().get("sec-fetch-site");
    from_here && site.is_none_or(|site| site.as_bytes() == b"same-origin")
}
