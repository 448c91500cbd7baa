//! The route table: maps a request at a protected host to an action and a resource.
//!
//! The first matching route of the host, in the order of the configuration, determines both. Only paths in normal form are
//! matched; hosts and methods are compared exactly. A request that matches no route is denied.

mod host;
mod order;
mod path;
mod pattern;

use std::borrow::Cow;
use std::collections::HashMap;

pub use host::AppHost;
pub use path::{MAX_LEN, PathFault, parts};
use pattern::{PathPattern, Template};

use crate::assignments::{ResourceId, ResourceName, ResourceType};
use crate::base::config::{self, ConfigError, ConfigFault, Origin};
use crate::policies::is_action;

/// First path segment that every protected host forwards to Doorward.
pub const DOORWARD_SEGMENT: &str = ".doorward";

/// All routes, by host.
#[derive(Clone, Debug, Default)]
pub struct RouteTable(HashMap<String, HostRoutes>);

#[derive(Clone, Debug)]
struct HostRoutes {
    host: AppHost,
    routes: Vec<Route>,
}

#[derive(Clone, Debug)]
struct Route {
    index: usize,
    pattern: PathPattern,
    methods: Vec<String>,
    action: String,
    kind: ResourceType,
    id: Template,
    sign_in: bool,
    jwt: bool,
    cross_origin: bool,
}

/// The route that matches a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteMatch {
    pub action: String,
    pub resource: ResourceName,
    /// Whether signed-out visitors who aren't permitted are redirected to the sign-in.
    pub sign_in: bool,
    /// Whether the application behind the proxy receives a signed token.
    pub jwt: bool,
    /// Whether pages of other origins may send writes on behalf of signed-in users.
    pub cross_origin: bool,
}

impl RouteTable {
    /// Parses the configured routes; `public_url` is Doorward's own URL, which no route may protect.
    ///
    /// # Errors
    /// All errors, each with the index of its route in the list.
    pub fn parse(routes: &[config::Route], public_url: &Origin) -> Result<Self, ConfigError> {
        let mut table = Self::default();
        let mut faults = Vec::new();
        for (index, entry) in routes.iter().enumerate() {
            let host = AppHost::parse(&entry.host, public_url);
            let route = Route::parse(index, entry);
            let mut fault = |key: &str, reason: String| {
                let key = format!("access.route[{index}].{key}");
                faults.push(ConfigFault { key, reason });
            };
            match (host, route) {
                (Ok(host), Ok(_)) if table.has_at_another_port(&host) => {
                    fault(
                        "host",
                        "is already configured with another port; cookies and proxies don't distinguish ports"
                            .into(),
                    );
                }
                (Ok(host), Ok(route)) => table.push(host, route),
                (host, route) => {
                    if let Err(reason) = host {
                        fault("host", reason.to_owned());
                    }
                    for (key, reason) in route.err().into_iter().flatten() {
                        fault(key, reason);
                    }
                }
            }
        }
        if faults.is_empty() {
            Ok(table)
        } else {
            Err(ConfigError(faults))
        }
    }

    /// Whether an https host is already configured with another port. Cookies and many proxies distinguish hosts by name only.
    fn has_at_another_port(&self, host: &AppHost) -> bool {
        let hosts = self.0.values().map(|of_host| &of_host.host);
        host.is_https()
            && hosts
                .filter(|known| known.name() == host.name())
                .any(|known| known.authority() != host.authority())
    }

    fn push(&mut self, host: AppHost, route: Route) {
        let key = host.authority().to_owned();
        let of_host = self.0.entry(key).or_insert_with(|| HostRoutes {
            host,
            routes: Vec::new(),
        });
        of_host.routes.push(route);
    }

    /// Returns the host of this authority if a route protects it.
    pub fn host(&self, authority: &str) -> Option<&AppHost> {
        self.0.get(authority).map(|of_host| &of_host.host)
    }

    /// Returns the route that matches a request. `None` if no route matches, the path is Doorward's own, or the captures don't
    /// form a valid resource ID.
    pub fn find(&self, host: &AppHost, method: &str, path: &[Cow<'_, str>]) -> Option<RouteMatch> {
        if path.first().is_some_and(|first| first == DOORWARD_SEGMENT) {
            return None;
        }
        let routes = &self.0.get(host.authority())?.routes;
        let mut fitting = routes.iter().filter(|route| route.takes(method));
        let (route, captures) =
            fitting.find_map(|route| Some((route, route.pattern.match_path(path)?)))?;
        Some(RouteMatch {
            action: route.action.clone(),
            resource: ResourceName {
                kind: route.kind.clone(),
                id: ResourceId::parse(&route.id.fill(&captures)).ok()?,
            },
            sign_in: route.sign_in,
            jwt: route.jwt,
            cross_origin: route.cross_origin,
        })
    }
}

impl Route {
    fn parse(index: usize, entry: &config::Route) -> Result<Self, Vec<(&'static str, String)>> {
        let pattern = PathPattern::parse(&entry.path);
        let id = match &pattern {
            Ok(pattern) => Template::parse(&entry.resource.id, pattern).and_then(check_constant),
            // The names of the pattern are unknown: the error of the path is sufficient.
            Err(_) => Template::parse("-", &PathPattern::default()),
        };
        let kind = ResourceType::parse(&entry.resource.kind);
        let mut faults = Vec::new();
        for method in entry.methods.iter().filter(|method| !is_method(method)) {
            faults.push((
                "methods",
                format!("{method:?} is not an HTTP method such as GET"),
            ));
        }
        if !is_action(&entry.action) {
            faults.push(("action", "must have 1 to 256 visible characters".into()));
        }
        match (pattern, kind, id) {
            (Ok(pattern), Ok(kind), Ok(id)) if faults.is_empty() => Ok(Self {
                index,
                pattern,
                methods: entry.methods.clone(),
                action: entry.action.clone(),
                kind,
                id,
                sign_in: entry.sign_in,
                jwt: entry.jwt,
                cross_origin: entry.cross_origin,
            }),
            (pattern, kind, id) => {
                faults.extend(pattern.err().map(|reason| ("path", reason)));
                faults.extend(
                    kind.err()
                        .map(|reason| ("resource.type", reason.to_string())),
                );
                faults.extend(id.err().map(|reason| ("resource.id", reason)));
                Err(faults)
            }
        }
    }

    /// RFC 9110 §9.3.2: HEAD is GET without the content.
    fn takes(&self, method: &str) -> bool {
        let names = |wanted: &str| self.methods.iter().any(|known| known == wanted);
        self.methods.is_empty() || names(method) || (method == "HEAD" && names("GET"))
    }
}

fn check_constant(id: Template) -> Result<Template, String> {
    match id.constant().map(ResourceId::parse) {
        Some(Err(reason)) => Err(reason.to_string()),
        Some(Ok(_)) | None => Ok(id),
    }
}

/// Whether the text is a method as requests carry it. Methods are compared exactly.
pub fn is_method(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests;
