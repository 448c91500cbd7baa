//! Measures what other services wait for: the real service in a process of its own, driven over loopback, and beside it, in
//! turns within the same run, a bare handler that does one read of the same store.
//!
//! `scripts/bench` starts the PostgreSQL and the Redis that it needs; `docs/PERFORMANCE.md` says what came out. Nothing here is
//! a test: it ends by itself and judges nothing, it prints.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a measurement that can't go on stops, prints, and asks the real clock"
)]
#![expect(
    clippy::pedantic,
    reason = "numbers are rounded for people, and journeys read as lists of what happens"
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
mod process;
mod runs;
mod table;
mod workloads;

#[path = "../../tests/support"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
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
    let arguments = Arguments::read();
    println!("{arguments}");
    println!(
        "The measured service does not limit ceremonies (limits.ceremonies_per_minute = 0).\n"
    );
    let library = library::finish_alone();
    println!("The library's finish of an assertion alone: {library:.0} µs of CPU.\n");
    for back_end in &arguments.back_ends {
        for users in &arguments.users {
            let fixture = Fixture::prepare(*back_end, *users);
            let environment = BenchEnvironment::begin(fixture, &arguments);
            runs::run(&environment, &arguments, library);
            extras::steady(&environment, &arguments);
            if arguments.with_extras {
                extras::run(environment, &arguments);
            }
        }
    }
}
