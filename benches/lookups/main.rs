//! Benchmark of the requests that other services wait for: drives the real service, in a process of its own, over loopback.
//! In the same run, alternating with the service, it measures a baseline: a minimal handler that reads the same store once.
//!
//! `scripts/bench` starts the PostgreSQL and the Redis that this needs; `docs/PERFORMANCE.md` explains the results. The benchmark
//! prints figures and targets; it does not fail when a target is missed.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first failure, prints its results, and reads the system clock"
)]
#![expect(
    clippy::pedantic,
    reason = "figures are rounded for display, and flows are long sequences of steps"
)]

mod arguments;
mod baseline;
mod environment;
mod extras;
mod fixture;
mod forward_auth_session;
mod library;
mod load;
mod login;
mod machine;
mod mixed;
mod process;
mod requests;
mod runs;
mod table;
mod token_flows;
mod workloads;

#[path = "../../tests/support"]
#[expect(dead_code, unused_imports, reason = "only the tests use the rest")]
mod support {
    pub mod authenticator;
    pub mod binary;
    pub mod http;
    pub mod population;
    pub mod postgres;
    pub mod process;
    pub mod redis;
    pub mod test_user;
}

use arguments::Arguments;
use environment::BenchEnvironment;
use fixture::Fixture;

fn main() {
    if baseline::is_requested() {
        return baseline::serve();
    }
    let arguments = Arguments::parse();
    println!("{}\n", machine::describe());
    println!("{arguments}");
    println!("The service does not limit ceremonies (limits.ceremonies_per_minute = 0).\n");
    let assertion_cpu = library::assertion_finish_cpu();
    println!("WebAuthn library, finish of one assertion: {assertion_cpu:.0} µs of CPU.\n");
    for back_end in &arguments.back_ends {
        for users in &arguments.users {
            let fixture = Fixture::prepare(*back_end, *users);
            let environment = BenchEnvironment::start(fixture);
            runs::run(&environment, &arguments, assertion_cpu);
            mixed::run(&environment, &arguments);
            if arguments.with_extras {
                extras::run(environment, &arguments);
            }
        }
    }
}
