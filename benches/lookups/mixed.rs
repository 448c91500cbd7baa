//! A mixed load: every connection alternates between workloads. Shows latencies, CPU time and memory of each minute.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::arguments::Arguments;
use crate::environment::BenchEnvironment;
use crate::load::{Connection, Requests, micros_since, percentile, run_clients};
use crate::login::LoginClient;

const MINUTE: Duration = Duration::from_secs(60);

/// The parts of the load.
#[derive(Clone, Copy)]
enum Part {
    SessionCheck,
    Introspection,
    UserInfo,
    Login,
}

impl Part {
    /// Returns the part of a connection's operation. Of 20 consecutive operations 14 are session checks (70 %), 3 introspections
    /// (15 %), 2 `UserInfo` requests (10 %) and 1 a login (5 %), interleaved.
    fn of_operation(number: usize) -> Self {
        // 7 and 20 have no common divisor, so 20 operations hit each value once.
        match number * 7 % 20 {
            0..14 => Self::SessionCheck,
            14..17 => Self::Introspection,
            17..19 => Self::UserInfo,
            _ => Self::Login,
        }
    }
}

/// What all connections of one minute share.
struct Mix {
    session_checks: Requests,
    introspections: Requests,
    user_infos: Requests,
    logins: Vec<LoginClient>,
    /// Latencies of each [`Part`], in microseconds.
    latencies: RefCell<[Vec<u32>; 4]>,
}

impl Mix {
    fn new(environment: &BenchEnvironment, connections: usize) -> Self {
        Self {
            session_checks: environment.session_checks(),
            introspections: environment.introspections(),
            user_infos: environment.user_info(),
            logins: LoginClient::for_connections(environment, connections),
            latencies: RefCell::default(),
        }
    }

    /// Returns the p99 of a part in milliseconds.
    fn p99(&self, part: Part) -> f64 {
        percentile(&self.latencies.borrow()[part as usize], 0.99)
    }
}

/// Runs the mixed load for the duration of `--mixed`, and prints a row for each minute.
pub fn run(environment: &BenchEnvironment, arguments: &Arguments) {
    if arguments.mixed.is_zero() {
        return;
    }
    println!(
        "Mixed load: 70 % session checks, 15 % introspection, 10 % UserInfo, 5 % logins; p99 in ms.\n\n\
         | minute | requests/s | all | session check | introspection | UserInfo | login | CPU s/1000 | memory MB |\n\
         |---|---|---|---|---|---|---|---|---|\n\
         | start | – | – | – | – | – | – | – | {:.1} |",
        environment.service.memory()
    );
    let mut remaining = arguments.mixed;
    // Each connection's number of operations so far: the next minute continues with the next users.
    let counts = Rc::new(RefCell::new(vec![0; arguments.connections]));
    for minute in 1.. {
        if remaining.is_zero() {
            break;
        }
        let length = remaining.min(MINUTE);
        remaining -= length;
        run_minute(environment, minute, length, &counts);
    }
    println!();
}

fn run_minute(
    environment: &BenchEnvironment,
    minute: u32,
    length: Duration,
    counts: &Rc<RefCell<Vec<usize>>>,
) {
    let connections = counts.borrow().len();
    // New access tokens for each minute: they expire after five.
    let mix = Rc::new(Mix::new(environment, connections));
    let address = [environment.service.address];
    let cpu_before = environment.service.cpu();
    let outcome = run_clients(&address, connections, length, |index, address, end| {
        run_client(mix.clone(), counts.clone(), index, address, end)
    });
    let cpu = environment.service.cpu() - cpu_before;
    println!(
        "| {minute} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.4} | {:.1} |",
        outcome.rate(),
        outcome.percentile(0.99),
        mix.p99(Part::SessionCheck),
        mix.p99(Part::Introspection),
        mix.p99(Part::UserInfo),
        mix.p99(Part::Login),
        cpu * 1000.0 / outcome.latencies.len().max(1) as f64,
        environment.service.memory(),
    );
}

/// Runs one connection until `end`, and returns the latencies of all its operations in microseconds.
async fn run_client(
    mix: Rc<Mix>,
    counts: Rc<RefCell<Vec<usize>>>,
    index: usize,
    address: SocketAddr,
    end: Instant,
) -> Vec<u32> {
    let mut connection = Connection::open(address).await;
    let mut latencies = Vec::new();
    loop {
        let start = Instant::now();
        if start >= end {
            return latencies;
        }
        let count = counts.borrow()[index];
        counts.borrow_mut()[index] += 1;
        // Each connection starts at a different position of the mix and with a different user.
        let part = Part::of_operation(count + index);
        let requests = match part {
            Part::SessionCheck => Some(&mix.session_checks),
            Part::Introspection => Some(&mix.introspections),
            Part::UserInfo => Some(&mix.user_infos),
            Part::Login => None,
        };
        match requests {
            Some(requests) => {
                let request = &requests[(count + index * 31) % requests.len()];
                request.send(&mut connection).await;
            }
            None => mix.logins[index].sign_in(&mut connection, count / 20).await,
        }
        let latency = micros_since(start);
        mix.latencies.borrow_mut()[part as usize].push(latency);
        latencies.push(latency);
    }
}
