//! What no rate tells: starts, a flood of ceremonies that nobody finishes, a second instance.

use std::net::SocketAddr;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::grounds::{BackEnd, Grounds};
use crate::load::{self, Outcome};
use crate::process::Measured;
use crate::rounds::median;
use crate::works::{WORKS, Work};
use crate::world::World;

/// How many starts of each kind are measured.
const STARTS: usize = 5;
/// How many rounds the flood has.
const FLOODS: usize = 4;

/// In how many parts a steady load is told.
const PARTS: u32 = 10;

/// Drives every work that is measured in turn for as long as is wanted, and tells how much memory the service held after each part of it.
pub fn steady(world: &World, arguments: &Arguments) {
    if arguments.steady.is_zero() {
        return;
    }
    let works: Vec<&Work> = WORKS
        .iter()
        .filter(|work| arguments.wants(work.name))
        .collect();
    let each = arguments.steady / PARTS / u32::try_from(works.len()).expect("a few");
    let address = [world.service.address];
    let mut sent = 0;
    let mut memory = vec![format!("{:.1}", world.service.memory())];
    for _ in 0..PARTS {
        for work in &works {
            // Made anew: tokens end after five minutes.
            let Some(requests) = (work.requests)(world) else {
                continue;
            };
            let outcome = load::drive(&address, &requests, arguments.connections, each);
            sent += outcome.latencies.len();
        }
        memory.push(format!("{:.1}", world.service.memory()));
    }
    println!(
        "Steady load of {:.0} s, {sent} requests of these works in turn: {} MB.",
        arguments.steady.as_secs_f64(),
        memory.join(", ")
    );
}

/// Measures them and prints what came out.
pub fn run(world: World, arguments: &Arguments) {
    flood(&world, arguments);
    if world.grounds.back_end == BackEnd::Clustered {
        two_instances(&world, arguments);
    }
    starts(world);
}

fn flood(world: &World, arguments: &Arguments) {
    let before = world.service.memory();
    let requests = world.challenges();
    let mut sent = 0;
    let mut memory = Vec::new();
    for _ in 0..FLOODS {
        let address = [world.service.address];
        let outcome = load::drive(
            &address,
            &requests,
            arguments.connections,
            arguments.round * 2,
        );
        sent += outcome.latencies.len();
        memory.push(format!("{:.1}", world.service.memory()));
    }
    println!(
        "A flood of {sent} login ceremonies that nobody finishes: {before:.1} MB before, then {} MB.",
        memory.join(", ")
    );
}

fn two_instances(world: &World, arguments: &Arguments) {
    let (second, _) = Measured::service(&world.grounds, &world.grounds.another());
    let requests = world.roles();
    let drive = |addresses: &[SocketAddr], length: Duration| -> Outcome {
        load::drive(addresses, &requests, arguments.connections, length)
    };
    let (one, both) = (
        [world.service.address],
        [world.service.address, second.address],
    );
    drive(&both, arguments.round / 2);
    let mut ratios = Vec::new();
    for _ in 0..arguments.rounds {
        let alone = drive(&one, arguments.round).rate();
        ratios.push(drive(&both, arguments.round).rate() / alone);
    }
    println!(
        "Two instances do {:.2} times the lookups of one; load, stores and both share this machine's cores.",
        median(ratios)
    );
    second.end();
}

fn starts(world: World) {
    let World {
        grounds, service, ..
    } = world;
    service.end();
    let mut migrated = Vec::new();
    for _ in 0..STARTS {
        let (service, took) = Measured::service(&grounds, &grounds.config);
        migrated.push(took.as_secs_f64() * 1000.0);
        service.end();
    }
    let mut empty = Vec::new();
    for _ in 0..STARTS {
        let fresh = Grounds::prepare(grounds.back_end, 0);
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
