//! Measurements besides the table: a flood of unfinished ceremonies, a second instance, and starts.

use std::net::SocketAddr;

use crate::arguments::Arguments;
use crate::environment::BenchEnvironment;
use crate::fixture::{BackEnd, Fixture};
use crate::load::{Driver, RequestDriver};
use crate::process::MeasuredProcess;
use crate::runs::median;

/// Number of measured starts, with and without an existing schema.
const STARTS: usize = 5;
/// Number of runs of the flood.
const FLOODS: usize = 4;

/// Measures the flood, the second instance and the starts, and prints the results.
pub fn run(environment: BenchEnvironment, arguments: &Arguments) {
    flood(&environment, arguments);
    if environment.fixture.back_end == BackEnd::Clustered {
        two_instances(&environment, arguments);
    }
    starts(environment);
}

/// Starts login ceremonies that are never finished, and prints the memory over time.
fn flood(environment: &BenchEnvironment, arguments: &Arguments) {
    let before = environment.service.memory();
    let mut driver = RequestDriver {
        addresses: vec![environment.service.address],
        requests: environment.login_challenges(),
        connections: arguments.connections,
    };
    let mut sent = 0;
    let mut memory = Vec::new();
    for _ in 0..FLOODS {
        sent += driver.run(arguments.run_length * 2).latencies.len();
        memory.push(format!("{:.1}", environment.service.memory()));
    }
    println!(
        "Flood of {sent} unfinished login ceremonies: {before:.1} MB before, then {} MB.",
        memory.join(", ")
    );
}

/// Compares the rate of two instances on the same stores with the rate of one.
fn two_instances(environment: &BenchEnvironment, arguments: &Arguments) {
    let config = environment.fixture.second_instance();
    let (second, _) = MeasuredProcess::start_service(&environment.fixture, &config);
    let requests = environment.user_roles();
    let driver = |addresses: &[SocketAddr]| RequestDriver {
        addresses: addresses.to_vec(),
        requests: requests.clone(),
        connections: arguments.connections,
    };
    let mut one = driver(&[environment.service.address]);
    let mut two = driver(&[environment.service.address, second.address]);
    two.run(arguments.run_length / 2);
    let mut ratios = Vec::new();
    for _ in 0..arguments.runs {
        let reference = one.run(arguments.run_length).rate();
        ratios.push(two.run(arguments.run_length).rate() / reference);
    }
    println!(
        "Two instances read the roles of users at {:.2} times the rate of one; the load, the stores and both instances share the \
         cores.",
        median(ratios)
    );
    second.stop();
}

/// Measures the time until the first response, with an existing schema and with empty stores.
fn starts(environment: BenchEnvironment) {
    let BenchEnvironment {
        fixture, service, ..
    } = environment;
    service.stop();
    let start = |fixture: &Fixture| {
        let (service, time) = MeasuredProcess::start_service(fixture, &fixture.config);
        service.stop();
        time.as_secs_f64() * 1000.0
    };
    let existing = (0..STARTS).map(|_| start(&fixture)).collect();
    let empty = (0..STARTS)
        .map(|_| start(&Fixture::prepare(fixture.back_end, 0)))
        .collect();
    println!(
        "Start to first response: {:.0} ms with an existing schema (target: below 40), {:.0} ms with empty stores (target: below 300).\n",
        median(existing),
        median(empty)
    );
}
