//! Paths of APIs, as opposed to pages.

/// OAuth endpoints. Their POST requests ignore cookies.
pub(super) const OAUTH_ENDPOINTS: [&str; 6] = [
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/logout",
];

/// Paths at which proxies forward requests of the hosts that they protect.
pub(super) const PROXY_PREFIXES: [&str; 2] = [ENVOY, "/.doorward/"];
pub(super) const ENVOY: &str = "/forward-auth/envoy/";
/// Path prefixes of APIs, which programs and the scripts of pages call.
const API_PREFIXES: [&str; 5] = [
    "/v1/",
    "/webauthn/",
    "/access/",
    "/.well-known/",
    "/assets/",
];

/// Returns whether a path belongs to an API, as opposed to a page.
pub(super) fn is_api_path(path: &str) -> bool {
    let mut prefixes = API_PREFIXES.iter().chain(&PROXY_PREFIXES);
    prefixes.any(|prefix| path.starts_with(prefix)) || path == "/forward-auth"
}

/// Decision API (AuthZEN). Clients authenticate with a header.
pub(super) const AUTHZEN_PREFIX: &str = "/access/v1/";
