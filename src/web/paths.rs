//! Which paths belong to programming interfaces, and which to pages.

/// The endpoints of OAuth that ignore cookies.
pub(super) const OAUTH_ENDPOINTS: [&str; 6] = [
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/logout",
];

/// Paths that proxies call about requests to the hosts that they protect.
pub(super) const FOR_OTHER_HOSTS: [&str; 2] = [ENVOY, "/.doorward/"];
pub(super) const ENVOY: &str = "/forward-auth/envoy/";
/// Paths of programming interfaces, used by programs and by the scripts of pages.
const INTERFACES: [&str; 5] = [
    "/v1/",
    "/webauthn/",
    "/access/",
    "/.well-known/",
    "/assets/",
];

/// Whether an address is one of the programming interfaces, as opposed to a page.
pub(super) fn is_interface(path: &str) -> bool {
    let mut prefixes = INTERFACES.iter().chain(&FOR_OTHER_HOSTS);
    prefixes.any(|prefix| path.starts_with(prefix)) || path == "/forward-auth"
}

/// The decision API (AuthZEN). Clients authenticate in a header.
pub(super) const DECISIONS: &str = "/access/v1/";
