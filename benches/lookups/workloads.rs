//! The measured workloads and their targets.

use crate::environment::BenchEnvironment;
use crate::load::{Driver, RequestDriver, Requests};
use crate::login::LoginDriver;
use crate::token_flows::{CodeDriver, RedemptionDriver, RefreshDriver};

/// Name of the workload that is the reference for the CPU times of the others.
pub const HEALTH_CHECK: &str = "health check";
const SESSION_CHECK: &str = "session check";

/// One kind of request or flow.
pub struct Workload {
    /// Name in the table.
    pub name: &'static str,
    /// Minimum ratio of the service's rate to the baseline's.
    pub baseline_ratio: Option<f64>,
    /// Maximum CPU time of the service; all of them apply.
    pub cpu: &'static [CpuTarget],
    /// How the load is generated.
    pub load: Load,
}

/// A maximum of CPU time.
pub enum CpuTarget {
    /// Seconds for 1000 requests.
    Seconds(f64),
    /// A multiple of the CPU time that the WebAuthn library needs to finish one assertion.
    AssertionFinishes(f64),
    /// A multiple of the CPU time of another workload of the same run.
    Times(f64, &'static str),
}

/// How the load of a workload is generated.
pub enum Load {
    /// Independent requests, which are compared with the baseline.
    Requests(fn(&BenchEnvironment) -> Requests),
    /// A flow of several requests, or requests that depend on earlier responses. Arguments: the environment and the number of
    /// connections.
    Flow(fn(&BenchEnvironment, usize) -> Box<dyn Driver>),
}

impl Workload {
    const fn requests(
        name: &'static str,
        baseline_ratio: Option<f64>,
        cpu: &'static [CpuTarget],
        requests: fn(&BenchEnvironment) -> Requests,
    ) -> Self {
        Self {
            name,
            baseline_ratio,
            cpu,
            load: Load::Requests(requests),
        }
    }

    const fn flow(
        name: &'static str,
        cpu: &'static [CpuTarget],
        driver: fn(&BenchEnvironment, usize) -> Box<dyn Driver>,
    ) -> Self {
        Self {
            name,
            baseline_ratio: None,
            cpu,
            load: Load::Flow(driver),
        }
    }

    /// Creates the load generator.
    pub fn driver(&self, environment: &BenchEnvironment, connections: usize) -> Box<dyn Driver> {
        match self.load {
            Load::Requests(requests) => Box::new(RequestDriver {
                addresses: vec![environment.service.address],
                requests: requests(environment),
                connections,
            }),
            Load::Flow(driver) => driver(environment, connections),
        }
    }
}

use BenchEnvironment as Env;
use CpuTarget::{AssertionFinishes, Seconds, Times};

/// All workloads, in the order in which they are measured: references come first.
#[rustfmt::skip]
pub const WORKLOADS: &[Workload] = &[
    Workload::requests(HEALTH_CHECK, None, &[], Env::health_checks),
    Workload::requests(
        SESSION_CHECK, Some(0.75), &[Seconds(0.025), Times(2.0, HEALTH_CHECK)], Env::session_checks,
    ),
    Workload::requests("introspection of a JWT", Some(0.7), &[Seconds(0.03)], Env::introspections),
    Workload::requests("UserInfo", None, &[Seconds(0.05), Times(2.0, SESSION_CHECK)], Env::user_info),
    Workload::requests("policy evaluation", Some(0.55), &[Seconds(0.04)], Env::evaluations),
    Workload::requests("forward-auth", Some(0.55), &[Seconds(0.04)], Env::forward_auth_checks),
    Workload::requests("user by ID", None, &[Seconds(0.05)], Env::users),
    Workload::requests("lookup of 20 users", None, &[Seconds(0.05)], Env::user_lookups),
    Workload::requests("roles of a user", None, &[Seconds(0.06)], Env::user_roles),
    Workload::requests("list of users, first 50", None, &[], Env::user_list),
    Workload::requests("list of users by email", None, &[], Env::users_by_email),
    Workload::requests("admin page, search for a user", None, &[], Env::user_searches),
    Workload::requests("discovery", None, &[Seconds(0.015)], Env::discovery),
    Workload::requests("JWKS", None, &[Seconds(0.015), Times(1.15, HEALTH_CHECK)], Env::jwks),
    Workload::requests("challenge for a login", None, &[Seconds(0.03)], Env::login_challenges),
    Workload::requests("client_credentials token", None, &[Seconds(0.04)], Env::client_credentials),
    Workload::flow("authorization code → tokens", &[Seconds(0.35)], |environment, connections| {
        Box::new(CodeDriver::new(environment, connections))
    }),
    Workload::flow("redemption of a code alone", &[], |environment, connections| {
        Box::new(RedemptionDriver::new(environment, connections))
    }),
    Workload::flow("refresh", &[Seconds(0.25)], |environment, connections| {
        Box::new(RefreshDriver::new(environment, connections))
    }),
    Workload::flow("login, start to finish", &[AssertionFinishes(3.0)], |environment, connections| {
        Box::new(LoginDriver::new(environment, connections))
    }),
];
