//! `[[access.route]]`: the syntax of a route. The module `access` checks its meaning.

use serde::Deserialize;

/// A route as configured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Host, with the port unless it is the scheme's default.
    pub host: String,
    /// Pattern of the path.
    pub path: String,
    /// HTTP methods that the route applies to; empty: all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Name of the action that policies decide on.
    pub action: String,
    /// Resource that policies decide on.
    pub resource: RouteResource,
    /// Whether signed-out visitors who aren't permitted are redirected to sign in.
    #[serde(default = "yes")]
    pub sign_in: bool,
    /// Whether the application receives a signed token.
    #[serde(default)]
    pub jwt: bool,
    /// Whether pages of other sites may send state-changing requests on behalf of signed-in users.
    #[serde(default)]
    pub cross_origin: bool,
}

/// Resource of a route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteResource {
    /// Type of the resource.
    #[serde(rename = "type")]
    pub kind: String,
    /// ID of the resource; may contain names from the path pattern in braces.
    pub id: String,
}

fn yes() -> bool {
    true
}
