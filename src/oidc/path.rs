//! Paths of the endpoints, below the public URL.

/// RFC 6749 §3.1.
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// RFC 6749 §3.2.
pub const TOKEN: &str = "/oauth2/token";
/// OpenID Connect Core §5.3.
pub const USERINFO: &str = "/oauth2/userinfo";
/// RFC 7662.
pub const INTROSPECT: &str = "/oauth2/introspect";
/// RFC 7009.
pub const REVOKE: &str = "/oauth2/revoke";
/// OpenID Connect RP-Initiated Logout §2.
pub const LOGOUT: &str = "/oauth2/logout";
/// RFC 7517 §5.
pub const JWKS: &str = "/oauth2/jwks";
