//! Security headers of all responses.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::Web;
use super::paths::AUTHZEN_PREFIX;
use super::problem_pages::request_id;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Allowed targets of the forms on a page (CSP `form-action`), besides this origin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FormActionPolicy(String);

/// Path of the request that a page responds to, if the page is served at another path.
#[derive(Clone, Debug)]
pub struct OriginalPath(pub String);

impl FormActionPolicy {
    /// Allows only this origin.
    pub fn same_origin() -> Self {
        Self("'self'".into())
    }

    /// Allows redirects to an app. Browsers apply this list to every redirect after a form, and an app may redirect to yet
    /// another host, so the list contains schemes instead of the app's host.
    pub fn for_redirect_to(address: &str) -> Self {
        let scheme = address.split(':').next().unwrap_or_default();
        let is_scheme = scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        match scheme {
            "http" | "https" => Self("'self' https: http:".into()),
            own if is_scheme && !own.is_empty() => Self(format!("'self' https: http: {own}:")),
            _ => Self::same_origin(),
        }
    }

    /// Attaches the targets to the response of the page.
    #[must_use]
    pub fn allow(self, mut answer: HttpResponse) -> HttpResponse {
        answer.extensions_mut().insert(self);
        answer
    }
}

/// Paths that an app may open in a popup. The app's page needs its reference to that window until the flow is finished.
const POPUP_PATHS: [&str; 5] = ["/login", "/lost", "/join", "/welcome", "/oauth2/"];

const SECURITY_HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "strict-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()",
    ),
];

/// Middleware: adds the security headers, and `Cache-Control: no-store` to responses without `Cache-Control`.
pub async fn add_security_headers<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let is_https = request
        .app_data::<web::Data<Web>>()
        .is_some_and(|web| web.public_url().is_https());
    let mut response = next.call(request).await?;
    let request_id = caller_request_id(response.request())
        .or_else(|| request_id(response.request()).and_then(|id| HeaderValue::from_str(&id).ok()));
    let policy = response
        .response()
        .extensions()
        .get::<FormActionPolicy>()
        .map(|FormActionPolicy(targets)| {
            POLICY.replace("form-action 'self'", &format!("form-action {targets}"))
        });
    let policy = policy.and_then(|policy| HeaderValue::from_str(&policy).ok());
    let shown = response
        .response()
        .extensions()
        .get::<OriginalPath>()
        .cloned();
    let path = match &shown {
        Some(OriginalPath(path)) => path,
        None => response.request().path(),
    };
    let is_opened = POPUP_PATHS.iter().any(|prefix| path.starts_with(prefix));
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if is_opened {
        headers.insert(
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("unsafe-none"),
        );
    }
    if let Some(request_id) = request_id {
        headers.insert(HeaderName::from_static("x-request-id"), request_id);
    }
    if is_https {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// Returns the `X-Request-ID` that a caller of the decision API sent; the response repeats it unchanged (AuthZEN Authorization
/// API 1.0, "Request Identification in a Response").
fn caller_request_id(request: &HttpRequest) -> Option<HeaderValue> {
    if !request.path().starts_with(AUTHZEN_PREFIX) {
        return None;
    }
    request.headers().get("x-request-id").cloned()
}
