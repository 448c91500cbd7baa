//! `[[access.route]]`: the shape of every entry. What an entry means is checked by the module `access`.

use serde::Deserialize;

/// One entry, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The host, with its port where that is not the scheme's own.
    pub host: String,
    /// Pattern of the path.
    pub path: String,
    /// The methods that it applies to; empty: all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Name of the action that policies decide on.
    pub action: String,
    /// The resource that policies decide on.
    pub resource: RouteResource,
    /// Whether visitors who are signed out and not allowed are sent to sign in.
    #[serde(default = "yes")]
    pub sign_in: bool,
    /// Whether the application gets a signed token.
    #[serde(default)]
    pub jwt: bool,
    /// Whether pages of other sites may send requests that change something on behalf of signed-in users.
    #[serde(default)]
    pub cross_origin: bool,
}

/// The resource of a route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteResource {
    /// Type of the resource.
    #[serde(rename = "type")]
    pub kind: String,
    /// ID of the resource, with names of the pattern in braces.
    pub id: String,
}

fn yes() -> bool {
    true
}
