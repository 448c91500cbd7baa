//! A child process whose CPU time and memory are measured, as counted by the kernel.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use doorward::base::config::Config;

use crate::fixture::{Fixture, SETTINGS_FILE};
use crate::support::binary;
use crate::support::process::ChildProcess;

/// Kernel clock ticks per second (`CLK_TCK`), the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running HTTP server.
pub struct MeasuredProcess {
    /// Address that it listens on.
    pub address: SocketAddr,
    process: ChildProcess,
}

impl MeasuredProcess {
    /// Starts `doorward serve` with default logging to `/dev/null`. Returns it, and the time until its first response.
    pub fn start_service(fixture: &Fixture, config: &Config) -> (Self, Duration) {
        let mut command = binary::command(config);
        command
            .arg("serve")
            .arg("--config")
            .arg(fixture.file(SETTINGS_FILE));
        Self::start(&mut command, config.server.listen)
    }

    /// Starts a server that will listen on `address`. Returns it, and the time until its first response.
    pub fn start(command: &mut Command, address: SocketAddr) -> (Self, Duration) {
        let start = Instant::now();
        let mut process = ChildProcess::spawn(command, Path::new("/dev/null"));
        while !responds(address) {
            assert!(process.is_running(), "{command:?} ended early");
            assert!(
                start.elapsed() < START_TIMEOUT,
                "{command:?} does not respond"
            );
            std::thread::sleep(Duration::from_micros(500));
        }
        (Self { address, process }, start.elapsed())
    }

    /// Returns the CPU time used so far, in seconds, user and kernel mode.
    pub fn cpu(&self) -> f64 {
        let text = self.read_proc("stat");
        // proc(5): the name in parentheses may contain spaces; field 3 follows it.
        let (_, fields) = text.rsplit_once(") ").expect("a stat line");
        let field = |number: usize| -> f64 {
            let field = fields.split(' ').nth(number - 3);
            field.and_then(|text| text.parse().ok()).expect("a number")
        };
        let (user, kernel) = (field(14), field(15));
        (user + kernel) / TICKS_PER_SECOND
    }

    /// Returns the resident memory, in MB.
    pub fn memory(&self) -> f64 {
        let text = self.read_proc("status");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.expect("a size") / 1024.0
    }

    /// Sends SIGTERM and waits for the exit.
    pub fn stop(mut self) {
        self.process
            .end_with(libc::SIGTERM, Duration::from_secs(10));
    }

    fn read_proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()))
            .expect("a running process")
    }
}

/// Whether an HTTP response arrives.
fn responds(address: SocketAddr) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else {
        return false;
    };
    let sent =
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut start_of_response = [0; 9];
    sent.is_ok() && stream.read_exact(&mut start_of_response).is_ok()
}
