//! The endpoints `/forward-auth`, `/forward-auth/envoy/…`, and `/.doorward/…` at the protected hosts. None of them uses
//! the session cookie.

mod cookies;
mod host_endpoints;
mod protected_host_page;
mod response;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

pub use cookies::ForwardAuthCookies;

use super::{
    CheckRequest, FetchMetadata, ForwardAuth, ForwardedHeaders, ForwardedRequest,
    ForwardedRequestError, TargetFault,
};
use crate::forward_auth::protected_host;
use crate::forward_auth::routes::is_method;
use crate::web::{Answer, Problem, is_from_trusted_proxy, only};

/// Path prefix for Envoy, which appends the path of the request.
const ENVOY: &str = "/forward-auth/envoy";

/// Registers the routes, outside of the session middleware.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/forward-auth")
                .route(web::get().to(check_request))
                .default_service(only("GET")),
        )
        .configure(host_endpoints::routes)
        .service(
            web::resource("/forward-auth/envoy/{path:.*}").route(web::route().to(check_ext_authz)),
        );
}

/// `GET /forward-auth`: checks a request for nginx, Caddy or Traefik.
async fn check_request(http: HttpRequest, forward_auth: web::Data<ForwardAuth>) -> Answer {
    require_trusted_proxy(&http)?;
    let forwarded = read_forwarded_headers(http.headers())?;
    let forwarded_request = forwarded.read(&forward_auth.routes).map_err(reject)?;
    respond(&http, &forward_auth, &forwarded_request).await
}

/// `/forward-auth/envoy/…`: checks a request for Envoy, with any method.
async fn check_ext_authz(http: HttpRequest, forward_auth: web::Data<ForwardAuth>) -> Answer {
    require_trusted_proxy(&http)?;
    let forwarded = read_forwarded_headers(http.headers())?;
    let host = own_host(&http)?;
    // The path as it was sent, not as the router decoded it.
    let path = http.uri().path_and_query().map_or("", |path| path.as_str());
    let path = path.strip_prefix(ENVOY).unwrap_or_default();
    let forwarded_request = forwarded
        .read_ext_authz(&forward_auth.routes, http.method().as_str(), host, path)
        .map_err(reject)?;
    respond(&http, &forward_auth, &forwarded_request).await
}

async fn respond(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    forwarded_request: &ForwardedRequest,
) -> Answer {
    let forward_auth_session = ForwardAuthCookies::session_key_of(
        forwarded_request.target.host.is_https(),
        http.headers(),
    );
    let check = CheckRequest {
        target: &forwarded_request.target,
        method: &forwarded_request.method,
        forward_auth_session: forward_auth_session.as_ref(),
        fetch_metadata: fetch_metadata(http.headers()),
        preflight: preflight_method(http.headers(), &forwarded_request.method),
    };
    let outcome = forward_auth.check_request(check).await?;
    response::of(http, forward_auth, forwarded_request, outcome).await
}

/// Reads the browser's fetch metadata, as forwarded by the proxy.
fn fetch_metadata(headers: &HeaderMap) -> FetchMetadata<'_> {
    let said = |name: &'static str| {
        let value = headers.get(HeaderName::from_static(name));
        value.map(|value| value.as_bytes())
    };
    FetchMetadata {
        origin: said("origin"),
        fetch_site: said("sec-fetch-site"),
        // Some proxies remove `Upgrade`; over HTTP/2 there is no `Sec-WebSocket-Key` (RFC 8441 §5).
        opens_websocket: said("sec-websocket-key").or(said("upgrade")).is_some()
            || said("sec-fetch-mode") == Some(b"websocket"),
    }
}

/// Returns the method that a CORS preflight announces (Fetch §4.8). It must have exactly one origin and one method.
fn preflight_method<'h>(headers: &'h HeaderMap, method: &str) -> Option<&'h str> {
    if method != "OPTIONS" {
        return None;
    }
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name);
        let value = values.next()?.to_str().ok();
        value.filter(|_| values.next().is_none())
    };
    let origin = one(header::ORIGIN)?;
    // RFC 6454 §6.2: the serialization that browsers send.
    let is_origin = origin == "null"
        || Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == origin);
    one(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|wanted| is_origin && is_method(wanted))
}

/// Rejects requests that don't come from a trusted proxy: only those may describe another client's request.
fn require_trusted_proxy(http: &HttpRequest) -> Result<(), Problem> {
    if is_from_trusted_proxy(http) {
        return Ok(());
    }
    let peer = http.peer_addr().map(|peer| peer.ip().to_canonical());
    tracing::warn!(
        reason = "untrusted-proxy",
        peer = peer.map(tracing::field::display),
        "request from an untrusted proxy: if `peer` is your proxy, add it to server.trusted_proxies"
    );
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "untrusted-proxy",
        "The proxy is not trusted",
        "The request did not come from a trusted proxy. Add the proxy's address to server.trusted_proxies; the log shows it.",
    )
    .shown_as_page())
}

/// Reads the forwarded headers of all protocols, each with at most one value.
fn read_forwarded_headers(headers: &HeaderMap) -> Result<ForwardedHeaders<'_>, Problem> {
    if headers.keys().any(imitates_reserved_header) {
        return Err(reject(ForwardedRequestError::Conflict("header")));
    }
    Ok(ForwardedHeaders {
        original_url: one(headers, "x-original-url")?,
        original_method: one(headers, "x-original-method")?,
        method: one(headers, "x-forwarded-method")?,
        proto: one(headers, "x-forwarded-proto")?,
        host: one(headers, "x-forwarded-host")?,
        uri: one(headers, "x-forwarded-uri")?,
    })
}

/// Prefixes of the headers that proxies and Doorward use, and of those that can make an application see another
/// address or method.
const RESERVED_PREFIXES: [&str; 6] = [
    "remote-",
    "x-original-",
    "x-forwarded-",
    "x-rewrite-",
    "x-http-method",
    "x-method-",
];

/// Whether a header imitates one of [`RESERVED_PREFIXES`] by using another character in place of `-`. An application behind a proxy that
/// passes it on may mistake it for the one with `-`: CGI converts `-` to `_` (RFC 3875 §4.1.18), and PHP and some servers convert
/// every character that isn't a letter or digit.
fn imitates_reserved_header(name: &HeaderName) -> bool {
    let name = name.as_str();
    let plain = name.replace(|one: char| !one.is_ascii_alphanumeric(), "-");
    plain != name && RESERVED_PREFIXES.iter().any(|ours| plain.starts_with(ours))
}

/// Returns the value of a header that may occur at most once.
fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(HeaderName::from_static(name));
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(reject(ForwardedRequestError::Conflict(name)));
    }
    let text = value.to_str();
    let text = text.map_err(|_| reject(TargetFault::Malformed("character").into()))?;
    Ok(Some(text))
}

/// Returns the host that a request was sent to.
fn own_host(http: &HttpRequest) -> Result<&str, Problem> {
    let in_address = http.uri().authority().map(|authority| authority.as_str());
    protected_host::own_host(one(http.headers(), "host")?, in_address).map_err(reject)
}

/// Rejects headers that don't determine a request. The response repeats none of them.
fn reject(fault: ForwardedRequestError) -> Problem {
    tracing::info!(reason = %fault, "refused");
    match fault {
        ForwardedRequestError::Target(TargetFault::UnknownHost) => not_permitted(),
        ForwardedRequestError::Missing(_)
        | ForwardedRequestError::Conflict(_)
        | ForwardedRequestError::Method
        | ForwardedRequestError::Target(TargetFault::Malformed(_)) => Problem::new(
            StatusCode::BAD_REQUEST,
            "forwarded-request",
            "Invalid forwarded headers",
            "Forwarded headers are missing, inconsistent or not in their normal form. Check the proxy's configuration (docs/guides/forward-auth).",
        ),
    }
}

fn not_permitted() -> Problem {
    Problem::forbidden("You don't have access to this page.")
}

/// The response to a program whose request has no session at this host.
fn signed_out() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "signed-out",
        "Not signed in",
        "Open /.doorward/login at this host in a browser, then repeat the request.",
    )
    .header(header::WWW_AUTHENTICATE, "Doorward realm=\"session\"")
}

/// Whether a browser requests a page, so that a redirect is possible. Decided by `Sec-Fetch-Mode` if it is sent
/// (Fetch Metadata §2.2).
fn is_navigation(headers: &HeaderMap, method: &str) -> bool {
    if !matches!(method, "GET" | "HEAD") {
        return false;
    }
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode.as_bytes() == b"navigate",
        None => headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html")),
    }
}

/// Redirects with 302, which all proxies pass on. The address is absolute, because some proxies would complete a relative one
/// with Doorward's own host.
fn found(address: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, address))
        .finish()
}
