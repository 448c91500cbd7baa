//! The access token formats and JWT header types that a client can be registered with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::text_enum::text_enum;

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

text_enum!(AccessTokenFormat { Jwt = "jwt", Opaque = "opaque" });

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

text_enum!(AccessTokenHeaderType { AtJwt = "at+jwt", Jwt = "JWT" });
