//! What is measured, and what it has to reach.

use crate::load::Requests;
use crate::world::World;

/// One kind of request.
pub struct Work {
    /// Its name in the table.
    pub name: &'static str,
    /// The least share of the baseline's rate.
    pub ratio: Option<f64>,
    /// The most seconds of CPU for 1000 requests.
    pub cpu: Option<f64>,
    /// The requests of a world; `None`: it has none of this kind.
    pub requests: fn(&World) -> Option<Requests>,
}

/// All of them but logins, which are journeys.
pub const WORKS: [Work; 8] = [
    Work {
        name: "session check",
        ratio: Some(0.7),
        cpu: Some(0.033),
        requests: |world| Some(world.session_checks()),
    },
    Work {
        name: "introspection of a JWT",
        ratio: Some(0.6),
        cpu: Some(0.045),
        requests: |world| Some(world.introspections()),
    },
    Work {
        name: "policy evaluation",
        ratio: Some(0.5),
        cpu: None,
        requests: |world| Some(world.evaluations()),
    },
    Work {
        name: "forward-auth",
        ratio: Some(0.5),
        cpu: None,
        requests: |world| Some(world.forwarded()),
    },
    Work {
        name: "roles of a person",
        ratio: None,
        cpu: None,
        requests: |world| Some(world.roles()),
    },
    Work {
        name: "discovery",
        ratio: None,
        cpu: Some(0.02),
        requests: |world| Some(world.discovery()),
    },
    Work {
        name: "challenge for a login",
        ratio: None,
        cpu: Some(0.05),
        requests: |world| Some(world.challenges()),
    },
    Work {
        name: "client_credentials token",
        ratio: None,
        cpu: Some(0.1),
        requests: |world| Some(world.client_tokens()),
    },
];
