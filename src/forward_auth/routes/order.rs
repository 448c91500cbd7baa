//! Finds shadowed routes: earlier routes match every request that they match.

use std::fmt;

use super::{Route, RouteTable};

/// A route that no request reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowedRoute {
    /// Index of the route in the configuration's list.
    pub route: usize,
    /// Indices of the earlier routes that together match everything that it matches, each for some of its methods.
    pub shadowed_by: Vec<usize>,
}

impl fmt::Display for ShadowedRoute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before: Vec<String> = self
            .shadowed_by
            .iter()
            .map(|index| format!("access.route[{index}]"))
            .collect();
        write!(
            formatter,
            "access.route[{}]: no request reaches it, because {} before it matches the same requests; put the more specific route first",
            self.route,
            before.join(" or ")
        )
    }
}

impl RouteTable {
    /// Returns the shadowed routes, in the order of the configuration.
    pub fn shadowed(&self) -> Vec<ShadowedRoute> {
        let mut found = Vec::new();
        for of_host in self.0.values() {
            let mut before: Vec<&Route> = Vec::new();
            for route in &of_host.routes {
                let shadowed_by = route.shadowed_by(&before);
                found.extend(shadowed_by.map(|shadowed_by| ShadowedRoute {
                    route: route.index,
                    shadowed_by,
                }));
                before.push(route);
            }
        }
        found.sort_by_key(|shadowed| shadowed.route);
        found
    }
}

impl Route {
    /// Returns the indices of the earlier routes that match every request of this one, or `None` if some requests remain.
    fn shadowed_by(&self, before: &[&Self]) -> Option<Vec<usize>> {
        let mut wider = before
            .iter()
            .filter(|route| route.pattern.covers(&self.pattern));
        if self.methods.is_empty() {
            let all = wider.find(|route| route.methods.is_empty())?;
            return Some(vec![all.index]);
        }
        let wider: Vec<_> = wider.collect();
        let takers = self.methods.iter().map(|method| {
            let taker = wider.iter().find(|route| route.takes(method));
            taker.map(|route| route.index)
        });
        let mut places: Vec<usize> = takers.collect::<Option<_>>()?;
        places.sort_unstable();
        places.dedup();
        Some(places)
    }
}
