//! How the response to an authorization request is returned (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).

use serde::{Deserialize, Serialize};

/// How an authorization response is returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    #[default]
    Query,
    /// In the fragment of a redirect (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    Fragment,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// Names of the modes that discovery lists.
    pub const ALL: [&'static str; 3] = ["query", "fragment", "form_post"];

    /// Returns the supported mode with this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}
