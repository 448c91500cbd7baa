//! What to measure, from the command line.

use std::fmt;
use std::time::Duration;

use crate::fixture::BackEnd;

const USAGE: &str = "\
lookups [--users N,N…] [--back-ends embedded,clustered] [--workloads WORD,WORD…] [--connections N]
        [--seconds N] [--runs N] [--no-extras] [--steady SECONDS]";

/// What to measure.
pub struct Arguments {
    /// How many people there are, one run for each number.
    pub users: Vec<u64>,
    /// On which stores.
    pub back_ends: Vec<BackEnd>,
    /// Which works, by a word of their names; empty: all.
    workloads: Vec<String>,
    /// Connections that are kept alive.
    pub connections: usize,
    /// How long one round of one side takes.
    pub run_length: Duration,
    /// How many rounds each side has.
    pub runs: usize,
    /// Starts, floods, a second instance.
    pub with_extras: bool,
    /// How long to drive every work in turn at the end, to see whether memory grows.
    pub steady: Duration,
}

impl Arguments {
    /// Reads them; ends the process with the usage when they make no sense.
    pub fn read() -> Self {
        let mut read = Self {
            users: vec![10_000],
            back_ends: vec![BackEnd::Embedded, BackEnd::Clustered],
            workloads: Vec::new(),
            connections: 32,
            run_length: Duration::from_secs(2),
            runs: 3,
            with_extras: true,
            steady: Duration::ZERO,
        };
        let mut given = std::env::args().skip(1);
        while let Some(name) = given.next() {
            if name == "--no-extras" {
                read.with_extras = false;
            } else if name != "--bench" {
                // cargo adds `--bench` to whatever it runs.
                let value = given.next().unwrap_or_default();
                if read.take(&name, &value).is_none() {
                    eprintln!("{name} {value}?\n{USAGE}");
                    std::process::exit(2);
                }
            }
        }
        read
    }

    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        let items = || value.split(',').map(str::trim);
        match name {
            "--users" => {
                self.users = items()
                    .map(|item| item.replace('_', "").parse().ok())
                    .collect::<Option<_>>()?;
            }
            "--back-ends" => {
                self.back_ends = items().map(BackEnd::parse).collect::<Option<_>>()?;
            }
            "--steady" => self.steady = Duration::try_from_secs_f64(value.parse().ok()?).ok()?,
            "--workloads" => self.workloads = items().map(str::to_owned).collect(),
            "--connections" => self.connections = value.parse().ok()?,
            "--seconds" => {
                self.run_length = Duration::try_from_secs_f64(value.parse().ok()?).ok()?
            }
            "--runs" => self.runs = value.parse().ok().filter(|runs| *runs > 0)?,
            _ => return None,
        }
        Some(())
    }

    /// Whether a work is wanted.
    pub fn wants(&self, workload: &str) -> bool {
        self.workloads.is_empty()
            || self
                .workloads
                .iter()
                .any(|word| workload.contains(word.as_str()))
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        write!(
            formatter,
            "{cores} cores, {} connections, {} runs of {:.1} s for each side in turn, medians",
            self.connections,
            self.runs,
            self.run_length.as_secs_f64(),
        )
    }
}
