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
pub(super) const FOR_OTHER_HOSTS: [&str; 2] = [ENVOY, "/.doorward/"];
pub(super) const ENVOY: &str = "/forward-auth/envoy/";
/// Path prefixes of APIs, which programs and the scripts of pages call.
const INTERFACES: [&str; 5] = [
    "/v1/",
    "/webauthn/",
    "/access/",
    "/.well-known/",
    "/assets/",
];

/// Returns whether a path belongs to an API, as opposed to a page.
pub(super) fn is_interface(path: &str) -> bool {
    let mut prefixes = INTERFACES.iter().chain(&FOR_OTHER_HOSTS);
    prefixes.any(|prefix| path.starts_with(prefix)) || path == "/forward-auth"
}

/// Decision API (AuthZEN). Clients authenticate with a header.
pub(super) const DECISIONS: &str = "/access/v1/";
