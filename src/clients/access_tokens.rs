//! The access token formats and JWT header types that a client can be registered with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The form of a client's access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// A signed JWT (RFC 9068), which services can check by themselves.
    #[default]
    Jwt,
    /// An opaque token, which services verify by introspection (RFC 7662).
    Opaque,
}

impl AccessTokenFormat {
    /// The allowed values, for error messages.
    pub(super) const NAMES: &'static str = "jwt, opaque";
}

/// The `typ` in the header of JWT access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AccessTokenHeaderType {
    /// `at+jwt` (RFC 9068 §2.1): no other JWT can be taken for an access token.
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// `JWT`, for libraries that refuse any other.
    #[serde(rename = "JWT")]
    Jwt,
}

impl AccessTokenHeaderType {
    /// The allowed values, for error messages.
    pub(super) const NAMES: &'static str = "at+jwt, JWT";

    /// The value of the `typ` header parameter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtJwt => "at+jwt",
            Self::Jwt => "JWT",
        }
    }
}
