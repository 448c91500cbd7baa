//! Paths of the endpoints, below the public URL.

/// Authorization endpoint (RFC 6749 §3.1).
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// Token endpoint (RFC 6749 §3.2).
pub const TOKEN: &str = "/oauth2/token";
/// UserInfo endpoint (OpenID Connect Core §5.3).
pub const USERINFO: &str = "/oauth2/userinfo";
/// Introspection endpoint (RFC 7662).
pub const INTROSPECT: &str = "/oauth2/introspect";
/// Revocation endpoint (RFC 7009).
pub const REVOKE: &str = "/oauth2/revoke";
/// Logout endpoint (OpenID Connect RP-Initiated Logout §2).
pub const LOGOUT: &str = "/oauth2/logout";
/// Public keys (RFC 7517 §5).
pub const JWKS: &str = "/oauth2/jwks";
