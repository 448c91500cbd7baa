//! The application type of a client (web or native), which affects how its redirect URIs are compared.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::text_enum::text_enum;

/// Where a client runs (OpenID Connect Dynamic Client Registration §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// On a web server or in a web page.
    #[default]
    Web,
    /// A native app on the user's device (RFC 8252).
    Native,
}

text_enum!(ApplicationType { Web = "web", Native = "native" });
