//! Command-line arguments.

use std::fmt;
use std::time::Duration;

use crate::fixture::BackEnd;
use crate::workloads::{HEALTH_CHECK, WORKLOADS, Workload};

const USAGE: &str = "\
lookups [--users N,N…] [--back-ends embedded,clustered] [--workloads TEXT,TEXT…] [--connections N]
        [--seconds N] [--runs N] [--no-extras] [--mixed SECONDS]";

/// What to measure, and for how long.
pub struct Arguments {
    /// Sizes of the user population; each is measured on its own.
    pub users: Vec<u64>,
    /// Back ends to measure.
    pub back_ends: Vec<BackEnd>,
    /// Selects the workloads whose names contain one of these texts; empty selects all.
    workloads: Vec<String>,
    /// Number of keep-alive connections.
    pub connections: usize,
    /// Duration of one run.
    pub run_length: Duration,
    /// Number of runs for each workload, and as many for the baseline.
    pub runs: usize,
    /// Whether to measure a flood of ceremonies, a second instance, and starts.
    pub with_extras: bool,
    /// Duration of the mixed load; zero skips it.
    pub mixed: Duration,
}

impl Arguments {
    /// Parses the command line. Prints the usage and exits with code 2 if it is invalid.
    pub fn parse() -> Self {
        let mut parsed = Self {
            users: vec![10_000],
            back_ends: vec![BackEnd::Embedded, BackEnd::Clustered],
            workloads: Vec::new(),
            connections: 32,
            run_length: Duration::from_secs(2),
            runs: 3,
            with_extras: true,
            mixed: Duration::ZERO,
        };
        let mut words = std::env::args().skip(1);
        while let Some(name) = words.next() {
            if name == "--no-extras" {
                parsed.with_extras = false;
            } else if name != "--bench" {
                // `cargo bench` passes `--bench` to every benchmark.
                let value = words.next().unwrap_or_default();
                if parsed.set(&name, &value).is_none() {
                    eprintln!("invalid argument: {name} {value}\n{USAGE}");
                    std::process::exit(2);
                }
            }
        }
        parsed
    }

    /// Sets one option; `None` if the name is unknown or the value is invalid.
    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let items = || value.split(',').map(str::trim);
        match name {
            "--users" => {
                self.users = items()
                    .map(|item| {
                        item.replace('_', "")
                            .parse()
                            .ok()
                            .filter(|users| *users > 0)
                    })
                    .collect::<Option<_>>()?;
            }
            "--back-ends" => {
                self.back_ends = items().map(BackEnd::parse).collect::<Option<_>>()?;
            }
            "--mixed" => self.mixed = seconds(value)?,
            "--workloads" => self.workloads = items().map(str::to_owned).collect(),
            "--connections" => self.connections = value.parse().ok().filter(|count| *count > 0)?,
            "--seconds" => self.run_length = seconds(value)?,
            "--runs" => self.runs = value.parse().ok().filter(|runs| *runs > 0)?,
            _ => return None,
        }
        Some(())
    }

    /// Returns the selected workloads, in the order in which they are measured. The health check, the reference of the others, is
    /// always among them.
    pub fn workloads(&self) -> impl Iterator<Item = &'static Workload> {
        WORKLOADS
            .iter()
            .filter(|workload| workload.name == HEALTH_CHECK || self.selects(workload.name))
    }

    fn selects(&self, name: &str) -> bool {
        let texts = &self.workloads;
        texts.is_empty() || texts.iter().any(|text| name.contains(text.as_str()))
    }
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

impl fmt::Display for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} connections; {} runs of {:.1} s each for the service and the baseline, alternating; medians",
            self.connections,
            self.runs,
            self.run_length.as_secs_f64(),
        )
    }
}
