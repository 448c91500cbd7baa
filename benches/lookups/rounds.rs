//! The service and the baseline in turns: what other work the machine has hits both.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::baseline;
use crate::load::{self, Outcome, Requests};
use crate::login;
use crate::process::Measured;
use crate::table::{self, Line};
use crate::works::WORKS;
use crate::world::World;

/// What a login may use of the processor, in finishes of the library.
const LOGIN_FINISHES: f64 = 3.0;

/// One round of one side.
struct Round {
    rate: f64,
    p50: f64,
    p99: f64,
    /// Seconds of CPU for 1000.
    cpu: f64,
}

/// Measures every work that is wanted, and prints the table.
pub fn run(world: &World, arguments: &Arguments, library: f64) -> Vec<Line> {
    let mut lines = Vec::new();
    table::head();
    for work in WORKS.iter().filter(|work| arguments.wants(work.name)) {
        let Some(requests) = (work.requests)(world) else {
            continue;
        };
        let address = [world.service.address];
        let side = |length| load::drive(&address, &requests, arguments.connections, length);
        let mut line = in_turns(world, arguments, work.name, side);
        line.wanted_ratio = work.ratio;
        line.wanted_cpu = work.cpu;
        line.print();
        lines.push(line);
    }
    const LOGIN: &str = "login, start to finish";
    if arguments.wants(LOGIN) {
        let side = |length| login::drive(world, arguments.connections, length);
        let mut line = in_turns(world, arguments, LOGIN, side);
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
        world.idle_memory,
        world.service.memory(),
    );
    lines
}

fn in_turns(
    world: &World,
    arguments: &Arguments,
    name: &'static str,
    side: impl Fn(Duration) -> Outcome,
) -> Line {
    let bare = Requests {
        all: vec![baseline::request()].into(),
        status: 200,
        says: "",
    };
    let base = |length| {
        load::drive(
            &[world.baseline.address],
            &bare,
            arguments.connections,
            length,
        )
    };
    side(arguments.round / 4);
    base(arguments.round / 4);
    let mut ours = Vec::new();
    let mut ratios = Vec::new();
    let mut bases = Vec::new();
    for _ in 0..arguments.rounds {
        let round = measure(&world.service, || side(arguments.round));
        let bare = measure(&world.baseline, || base(arguments.round));
        ratios.push(round.rate / bare.rate);
        bases.push(bare.rate);
        ours.push(round);
    }
    let median_of = |pick: fn(&Round) -> f64| median(ours.iter().map(pick).collect());
    Line {
        name,
        rate: median_of(|round| round.rate),
        p50: median_of(|round| round.p50),
        p99: median_of(|round| round.p99),
        cpu: median_of(|round| round.cpu),
        ratio: Some(median(ratios)),
        baseline: median(bases),
        memory: world.service.memory(),
        wanted_ratio: None,
        wanted_cpu: None,
    }
}

fn measure(process: &Measured, side: impl FnOnce() -> Outcome) -> Round {
    let before = process.cpu();
    let outcome = side();
    let used = process.cpu() - before;
    Round {
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
