//! Measures the workloads. Runs of the service and of the baseline alternate, so that other load on the machine affects both.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::baseline;
use crate::environment::BenchEnvironment;
use crate::load::{Driver, Outcome, RequestDriver};
use crate::process::MeasuredProcess;
use crate::table::{self, Row};
use crate::workloads::{CpuTarget, HEALTH_CHECK, Load, Workload};

/// Result of one run.
struct Measurement {
    rate: f64,
    p50: f64,
    p99: f64,
    /// Seconds of CPU for 1000 requests.
    cpu: f64,
}

/// Measures the selected workloads and prints the table. `assertion_cpu` is the CPU time of the WebAuthn library for one assertion,
/// in microseconds.
pub fn run(environment: &BenchEnvironment, arguments: &Arguments, assertion_cpu: f64) {
    let mut rows = Vec::new();
    table::print_head();
    for workload in arguments.workloads() {
        let row = measure(environment, arguments, workload, (&rows, assertion_cpu));
        row.print();
        rows.push(row);
    }
    let baselines = || rows.iter().map(|row| row.baseline);
    println!(
        "\nThe rate of logins includes the client's work, above all its ECDSA signature, on the same cores. The CPU time is the \
         service's alone.\n\nBaseline: {:.0} to {:.0} requests/s.\nMemory: {:.1} MB idle (target: below 28), {:.1} MB now (target: \
         below 80).\n",
        baselines().fold(f64::MAX, f64::min),
        baselines().fold(0.0, f64::max),
        environment.idle_memory,
        environment.service.memory(),
    );
}

/// Measures one workload. `earlier` are the rows before it, among them the health check's; `assertion_cpu` is in microseconds.
fn measure(
    environment: &BenchEnvironment,
    arguments: &Arguments,
    workload: &Workload,
    (earlier, assertion_cpu): (&[Row], f64),
) -> Row {
    let mut service = workload.driver(environment, arguments.connections);
    let mut baseline = RequestDriver {
        addresses: vec![environment.baseline.address],
        requests: baseline::requests(),
        connections: arguments.connections,
    };
    warm_up(&mut *service, arguments.run_length / 4);
    warm_up(&mut baseline, arguments.run_length / 4);
    let mut measurements = Vec::new();
    let mut ratios = Vec::new();
    let mut baseline_rates = Vec::new();
    for _ in 0..arguments.runs {
        let measurement = measure_run(&environment.service, &mut *service, arguments.run_length);
        let reference = measure_run(&environment.baseline, &mut baseline, arguments.run_length);
        ratios.push(measurement.rate / reference.rate);
        baseline_rates.push(reference.rate);
        measurements.push(measurement);
    }
    let median_of =
        |field: fn(&Measurement) -> f64| median(measurements.iter().map(field).collect());
    let cpu = median_of(|measurement| measurement.cpu);
    // The first row is the health check's own.
    let health_check = earlier.iter().find(|row| row.name == HEALTH_CHECK);
    Row {
        name: workload.name,
        rate: median_of(|measurement| measurement.rate),
        p50: median_of(|measurement| measurement.p50),
        p99: median_of(|measurement| measurement.p99),
        cpu,
        baseline_ratio: matches!(workload.load, Load::Requests(_)).then(|| median(ratios)),
        baseline: median(baseline_rates),
        memory: environment.service.memory(),
        target_ratio: workload.baseline_ratio,
        health_check_ratio: cpu / health_check.map_or(cpu, |row| row.cpu),
        target_cpu: describe(workload.cpu, assertion_cpu),
    }
}

/// Describes CPU targets in the unit of the table, seconds for 1000 requests.
fn describe(targets: &[CpuTarget], assertion_cpu: f64) -> String {
    let describe = |target: &CpuTarget| match target {
        CpuTarget::Seconds(seconds) => format!("≤ {seconds:.3}"),
        CpuTarget::AssertionFinishes(count) => format!("≤ {:.3}", count * assertion_cpu / 1000.0),
        CpuTarget::Times(factor, name) => format!("≤ {factor} × {name}"),
    };
    targets.iter().map(describe).collect::<Vec<_>>().join(", ")
}

fn warm_up(driver: &mut dyn Driver, length: Duration) {
    driver.prepare(length);
    driver.run(length);
}

fn measure_run(
    process: &MeasuredProcess,
    driver: &mut dyn Driver,
    length: Duration,
) -> Measurement {
    driver.prepare(length);
    let before = process.cpu();
    let outcome: Outcome = driver.run(length);
    let cpu = process.cpu() - before;
    Measurement {
        rate: outcome.rate(),
        p50: outcome.percentile(0.5),
        p99: outcome.percentile(0.99),
        cpu: cpu * 1000.0 / outcome.latencies.len().max(1) as f64,
    }
}

/// Returns the median; 0 if there are no numbers.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
