//! What no rate tells: starts, a flood of ceremonies that nobody finishes, a second instance.

use std::net::SocketAddr;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::environment::BenchEnvironment;
use crate::fixture::{BackEnd, Fixture};
use crate::load::{self, Outcome};
use crate::process::Measured;
use crate::runs::median;
use crate::workloads::{WORKLOADS, Workload};

/// How many starts of each kind are measured.
const STARTS: usize = 5;
/// How many rounds the flood has.
const FLOODS: usize = 4;

/// In how many parts a steady load is told.
const PARTS: u32 = 10;

/// Drives every work that is measured in turn for as long as is wanted, and tells how much memory the service held after each part of it.
pub fn steady(environment: &BenchEnvironment, arguments: &Arguments) {
    if arguments.steady.is_zero() {
        return;
    }
    let workloads: Vec<&Workload> = WORKLOADS
        .iter()
        .filter(|workload| arguments.wants(workload.name))
        .collect();
    let each = arguments.steady / PARTS / u32::try_from(workloads.len()).expect("a few");
    let address = [environment.service.address];
    let mut sent = 0;
    let mut memory = vec![format!("{:.1}", environment.service.memory())];
    for _ in 0..PARTS {
        for workload in &workloads {
            // Made anew: tokens end after five minutes.
            let Some(requests) = (workload.requests)(environment) else {
                continue;
            };
            let outcome = load::drive(&address, &requests, arguments.connections, each);
            sent += outcome.latencies.len();
        }
        memory.push(format!("{:.1}", environment.service.memory()));
    }
    println!(
        "Steady load of {:.0} s, {sent} requests of these works in turn: {} MB.",
        arguments.steady.as_secs_f64(),
        memory.join(", ")
    );
}

/// Measures them and prints what came out.
pub fn run(environment: BenchEnvironment, arguments: &Arguments) {
    flood(&environment, arguments);
    if environment.fixture.back_end == BackEnd::Clustered {
        two_instances(&environment, arguments);
    }
    starts(environment);
}

fn flood(environment: &BenchEnvironment, arguments: &Arguments) {
    let before = environment.service.memory();
    let requests = environment.challenges();
    let mut sent = 0;
    let mut memory = Vec::new();
    for _ in 0..FLOODS {
        let address = [environment.service.address];
        let outcome = load::drive(
            &address,
            &requests,
            arguments.connections,
            arguments.run_length * 2,
        );
        sent += outcome.latencies.len();
        memory.push(format!("{:.1}", environment.service.memory()));
    }
    println!(
        "A flood of {sent} login ceremonies that nobody finishes: {before:.1} MB before, then {} MB.",
        memory.join(", ")
    );
}

fn two_instances(environment: &BenchEnvironment, arguments: &Arguments) {
    let (second, _) = Measured::service(&environment.fixture, &environment.fixture.another());
    let requests = environment.roles();
    let drive = |addresses: &[SocketAddr], length: Duration| -> Outcome {
        load::drive(addresses, &requests, arguments.connections, length)
    };
    let (one, both) = (
        [environment.service.address],
        [environment.service.address, second.address],
    );
    drive(&both, arguments.run_length / 2);
    let mut ratios = Vec::new();
    for _ in 0..arguments.runs {
        let alone = drive(&one, arguments.run_length).rate();
        ratios.push(drive(&both, arguments.run_length).rate() / alone);
    }
    println!(
        "Two instances do {:.2} times the lookups of one; load, stores and both share this machine's cores.",
        median(ratios)
    );
    second.end();
}

fn starts(environment: BenchEnvironment) {
    let BenchEnvironment {
        fixture, service, ..
    } = environment;
    service.end();
    let mut migrated = Vec::new();
    for _ in 0..STARTS {
        let (service, took) = Measured::service(&fixture, &fixture.config);
        migrated.push(took.as_secs_f64() * 1000.0);
        service.end();
    }
    let mut empty = Vec::new();
    for _ in 0..STARTS {
        let fresh = Fixture::prepare(fixture.back_end, 0);
        let (service, took) = Measured::service(&fresh, &fresh.config);
        empty.push(took.as_secs_f64() * 1000.0);
        service.end();
    }
    println!(
        "Start to first answer: {:.0} ms on a migrated database (wanted: below 50), {:.0} ms on an empty one (wanted: below 500).\n",
        median(migrated),
        median(empty)
    );
}
