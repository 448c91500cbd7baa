//! How the response to an authorization request is returned (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).

use serde::{Deserialize, Serialize};

use crate::base::text_enum::text_enum;

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

text_enum!(ResponseMode { Query = "query", Fragment = "fragment", FormPost = "form_post" });
