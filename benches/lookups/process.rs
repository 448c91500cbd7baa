//! A process that is measured: what it has used of the processor and of memory, as the kernel counts.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use doorward::base::config::Config;

use crate::fixture::{Fixture, SETTINGS};
use crate::support::binary;
use crate::support::process::ChildProcess;

/// A running process that answers at an address.
pub struct Measured {
    /// Where.
    pub address: SocketAddr,
    process: ChildProcess,
}

/// The kernel's clock ticks in a second (`CLK_TCK`), the same on every Linux.
const TICKS: f64 = 100.0;

impl Measured {
    /// Starts `doorward serve` with default logging, which nobody reads; returns when it answers, and how long that took.
    pub fn service(fixture: &Fixture, config: &Config) -> (Self, Duration) {
        let mut command = binary::command(config);
        command
            .arg("serve")
            .arg("--config")
            .arg(fixture.file(SETTINGS));
        Self::start(&mut command, config.server.listen)
    }

    /// Starts a command that will answer at an address.
    pub fn start(command: &mut Command, address: SocketAddr) -> (Self, Duration) {
        let begun = Instant::now();
        let mut process = ChildProcess::spawn(command, Path::new("/dev/null"));
        while !answers(address) {
            assert!(process.is_running(), "{command:?} ended early");
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{command:?} does not answer"
            );
            std::thread::sleep(Duration::from_micros(500));
        }
        (Self { address, process }, begun.elapsed())
    }

    /// Seconds of CPU used so far, in user and kernel mode.
    pub fn cpu(&self) -> f64 {
        let text = self.read("stat");
        // The name in parentheses may hold spaces: count from behind it, where field 3 stands.
        let (_, fields) = text.rsplit_once(") ").expect("a stat line");
        let field = |at: usize| -> f64 {
            let field = fields.split(' ').nth(at - 3);
            field.and_then(|text| text.parse().ok()).expect("a number")
        };
        (field(14) + field(15)) / TICKS
    }

    /// Resident memory, in MB.
    pub fn memory(&self) -> f64 {
        let text = self.read("status");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.expect("a size") / 1024.0
    }

    /// Asks it to end, and waits.
    pub fn end(mut self) {
        self.process
            .end_with(libc::SIGTERM, Duration::from_secs(10));
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()))
            .expect("a process that runs")
    }
}

/// Whether an HTTP answer comes.
fn answers(address: SocketAddr) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else {
        return false;
    };
    let asked =
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut first = [0; 9];
    asked.is_ok() && stream.read_exact(&mut first).is_ok()
}
