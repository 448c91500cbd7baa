//! The service and the baseline in turns: what other work the machine has hits both.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::baseline;
use crate::environment::BenchEnvironment;
use crate::load::{self, Outcome, Requests};
use crate::login;
use crate::process::Measured;
use crate::table::{self, Line};
use crate::workloads::WORKLOADS;

/// What a login may use of the processor, in finishes of the library.
const LOGIN_FINISHES: f64 = 3.0;

/// One round of one side.
struct Measurement {
    rate: f64,
    p50: f64,
    p99: f64,
    /// Seconds of CPU for 1000.
    cpu: f64,
}

/// Measures every work that is wanted, and prints the table.
pub fn run(environment: &BenchEnvironment, arguments: &Arguments, library: f64) -> Vec<Line> {
    let mut lines = Vec::new();
    table::head();
    for workload in WORKLOADS
        .iter()
        .filter(|workload| arguments.wants(workload.name))
    {
        let Some(requests) = (workload.requests)(environment) else {
            continue;
        };
        let address = [environment.service.address];
        let side = |length| load::drive(&address, &requests, arguments.connections, length);
        let mut line = in_turns(environment, arguments, workload.name, side);
        line.wanted_ratio = workload.ratio;
        line.wanted_cpu = workload.cpu;
        line.print();
        lines.push(line);
    }
    const LOGIN: &str = "login, start to finish";
    if arguments.wants(LOGIN) {
        let side = |length| login::drive(environment, arguments.connections, length);
        let mut line = in_turns(environment, arguments, LOGIN, side);
        line.wanted_cpu = Some(LOGIN_FINISHES * library / 1000.0);
        line.ratio = None;
        line.print();
        lines.push(line);
        println!(
            "\nThe rate of a login includes the client's own work, above all its ECDSA signature: it shares the cores. The CPU is the service's alone."
        );
    }
    println!(
        "\nbaseline: {:.0} to {:.0} requests a second\nmemory: idle {:.1} MB (wanted: below 30), now {:.1} MB (wanted: below 100)\n",
        lines
            .iter()
            .map(|line| line.baseline)
            .fold(f64::MAX, f64::min),
        lines.iter().map(|line| line.baseline).fold(0.0, f64::max),
        environment.idle_memory,
        environment.service.memory(),
    );
    lines
}

fn in_turns(
    environment: &BenchEnvironment,
    arguments: &Arguments,
    name: &'static str,
    side: impl Fn(Duration) -> Outcome,
) -> Line {
    let bare = Requests {
        all: vec![baseline::request()].into(),
        status: 200,
        body_contains: "",
    };
    let base = |length| {
        load::drive(
            &[environment.baseline.address],
            &bare,
            arguments.connections,
            length,
        )
    };
    side(arguments.run_length / 4);
    base(arguments.run_length / 4);
    let mut ours = Vec::new();
    let mut ratios = Vec::new();
    let mut bases = Vec::new();
    for _ in 0..arguments.runs {
        let measurement = measure(&environment.service, || side(arguments.run_length));
        let bare = measure(&environment.baseline, || base(arguments.run_length));
        ratios.push(measurement.rate / bare.rate);
        bases.push(bare.rate);
        ours.push(measurement);
    }
    let median_of = |pick: fn(&Measurement) -> f64| median(ours.iter().map(pick).collect());
    Line {
        name,
        rate: median_of(|measurement| measurement.rate),
        p50: median_of(|measurement| measurement.p50),
        p99: median_of(|measurement| measurement.p99),
        cpu: median_of(|measurement| measurement.cpu),
        ratio: Some(median(ratios)),
        baseline: median(bases),
        memory: environment.service.memory(),
        wanted_ratio: None,
        wanted_cpu: None,
    }
}

fn measure(process: &Measured, side: impl FnOnce() -> Outcome) -> Measurement {
    let before = process.cpu();
    let outcome = side();
    let used = process.cpu() - before;
    Measurement {
        rate: outcome.rate(),
        p50: outcome.percentile(0.5),
        p99: outcome.percentile(0.99),
        cpu: used * 1000.0 / outcome.latencies.len().max(1) as f64,
    }
}

/// The one in the middle.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
