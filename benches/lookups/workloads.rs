//! What is measured, and what it has to reach.

use crate::environment::BenchEnvironment;
use crate::load::Requests;

/// One kind of request.
pub struct Workload {
    /// Its name in the table.
    pub name: &'static str,
    /// The least share of the baseline's rate.
    pub ratio: Option<f64>,
    /// The most seconds of CPU for 1000 requests.
    pub cpu: Option<f64>,
    /// The requests of a world; `None`: it has none of this kind.
    pub requests: fn(&BenchEnvironment) -> Option<Requests>,
}

/// All of them but logins, which are journeys.
pub const WORKLOADS: [Workload; 8] = [
    Workload {
        name: "session check",
        ratio: Some(0.7),
        cpu: Some(0.033),
        requests: |environment| Some(environment.session_checks()),
    },
    Workload {
        name: "introspection of a JWT",
        ratio: Some(0.6),
        cpu: Some(0.045),
        requests: |environment| Some(environment.introspections()),
    },
    Workload {
        name: "policy evaluation",
        ratio: Some(0.5),
        cpu: None,
        requests: |environment| Some(environment.evaluations()),
    },
    Workload {
        name: "forward-auth",
        ratio: Some(0.5),
        cpu: None,
        requests: |environment| Some(environment.forwarded()),
    },
    Workload {
        name: "roles of a person",
        ratio: None,
        cpu: None,
        requests: |environment| Some(environment.roles()),
    },
    Workload {
        name: "discovery",
        ratio: None,
        cpu: Some(0.02),
        requests: |environment| Some(environment.discovery()),
    },
    Workload {
        name: "challenge for a login",
        ratio: None,
        cpu: Some(0.05),
        requests: |environment| Some(environment.challenges()),
    },
    Workload {
        name: "client_credentials token",
        ratio: None,
        cpu: Some(0.1),
        requests: |environment| Some(environment.client_tokens()),
    },
];
