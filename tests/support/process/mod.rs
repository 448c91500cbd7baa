//! Child processes of the tests: started with their output in a file, signalled by ID, and always ended.
//!
//! This is the only module of the support code that reads the system clock or waits.

#![expect(
    clippy::disallowed_methods,
    reason = "waits for real processes, by the real clock"
)]

mod signals;

use std::fs::{self, File};
use std::io::{PipeWriter, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signals::{descendants, is_alive};
pub use signals::{signal, signal_group};

/// Returns a TCP port of 127.0.0.1 that nothing listens on, a different one at every call.
///
/// It is below the kernel's ephemeral range: otherwise a client that keeps connecting to a stopped server could get that server's
/// port as its own, and the server could not start again.
pub fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        // Concurrent test processes start at different ports.
        let step = std::process::id()
            .wrapping_mul(97)
            .wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + step % COUNT).expect("a port fits into 16 bits");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port on 127.0.0.1");
}

/// The time at which a wait gives up.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Creates a deadline `bound` from now.
    pub fn after(bound: Duration) -> Self {
        Self(Instant::now() + bound)
    }

    /// Returns the remaining time, or `None` once the deadline has passed.
    pub fn remaining(&self) -> Option<Duration> {
        self.0
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    }

    /// Sleeps briefly, so that the other side can make progress; returns false once the deadline has passed.
    pub fn pause(&self) -> bool {
        let Some(left) = self.remaining() else {
            return false;
        };
        thread::sleep(left.min(Duration::from_millis(10)));
        true
    }
}

/// Polls `ready` until it is true; panics with `what` when `bound` has passed.
pub fn wait_until(what: &str, bound: Duration, mut ready: impl FnMut() -> bool) {
    let deadline = Deadline::after(bound);
    while !ready() {
        assert!(deadline.pause(), "not within {bound:?}: {what}");
    }
}

/// Returns the seconds since 1970 by the system clock.
pub fn unix_seconds() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(elapsed.as_secs()).expect("seconds fit into 63 bits")
}

/// Runs a program with `input` and returns its output; panics with its errors if it fails.
pub fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{command:?} does not start (scripts/test installs what is missing): {error}")
        });
    let mut pipe = child.stdin.take().expect("a pipe to the program");
    let output = thread::scope(|threads| {
        // Fails if a program ends early; its exit status is checked below.
        threads.spawn(move || pipe.write_all(input.as_bytes()));
        child.wait_with_output().expect("the program ends")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} failed ({}): {errors}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A running child in a process group of its own, with its output captured in a file.
///
/// Dropping it kills the child with all its descendants. If the test process itself ends before that (Ctrl-C, an abort, a value
/// in a `static`), a small guardian process kills the group.
pub struct ChildProcess {
    child: Child,
    guardian: Child,
    output: PathBuf,
}

impl ChildProcess {
    /// Like [`ChildProcess::spawn`], but with the output going to a pipe, which may or may not be read.
    pub fn spawn_into_pipe(command: &mut Command, pipe: PipeWriter) -> Self {
        let errors = pipe.try_clone().expect("a shared pipe");
        Self::start(
            command,
            (pipe.into(), errors.into()),
            Path::new("/dev/null"),
        )
    }

    /// Starts `command` without input; stdout and stderr are appended to the file `output`.
    pub fn spawn(command: &mut Command, output: &Path) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(output)
            .expect("the output file can be opened");
        let errors = log.try_clone().expect("the output file can be shared");
        Self::start(command, (log.into(), errors.into()), output)
    }

    fn start(command: &mut Command, (out, errors): (Stdio, Stdio), output: &Path) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let guardian = guard(child.id());
        Self {
            child,
            guardian,
            output: output.to_owned(),
        }
    }

    /// Returns the process ID, which is also the ID of the process group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the peak memory so far, in MB (`VmHWM`, proc(5)).
    pub fn max_memory(&self) -> u64 {
        self.status_in_mb("VmHWM:")
    }

    /// Like [`Self::max_memory`], without the pages of the executable that were read so far (`RssFile`), which are far more in a
    /// debug build than in a release build.
    pub fn max_own_memory(&self) -> u64 {
        self.max_memory()
            .saturating_sub(self.status_in_mb("RssFile:"))
    }

    /// Returns a line of `/proc/PID/status`, in MB.
    fn status_in_mb(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a number of KiB") * 1_024 / 1_000_000
    }

    /// Whether the process is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Returns everything that the process has printed so far.
    pub fn output(&self) -> String {
        fs::read(&self.output)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Polls `ready` while the child runs; panics with its output if it ends or when `bound` has passed.
    pub fn wait_until_ready(&mut self, bound: Duration, mut ready: impl FnMut() -> bool) {
        let deadline = Deadline::after(bound);
        while !ready() {
            assert!(
                self.is_running(),
                "the process ended early:\n{}",
                self.output()
            );
            assert!(
                deadline.pause(),
                "the process was not ready within {bound:?}:\n{}",
                self.output()
            );
        }
    }

    /// Kills the process and all its descendants (`kill -9`); returns when they have ended.
    pub fn kill(&mut self) {
        // A stopped process can neither start further children nor reap ended ones.
        signal(self.id(), libc::SIGSTOP);
        let descendants = descendants(self.id());
        signal(self.id(), libc::SIGKILL);
        for process in &descendants {
            signal(*process, libc::SIGKILL);
        }
        signal_group(self.id(), libc::SIGKILL);
        let _ = self.child.wait();
        wait_until("killed processes are gone", Duration::from_secs(10), || {
            !descendants.iter().any(|id| is_alive(*id))
        });
    }

    /// Sends a signal only to this process; returns false if it still runs after `bound`.
    pub fn end_with(&mut self, signal_number: i32, bound: Duration) -> bool {
        signal(self.id(), signal_number);
        let deadline = Deadline::after(bound);
        while self.is_running() {
            if !deadline.pause() {
                return false;
            }
        }
        true
    }

    /// Sends SIGTERM; returns whether the process ended within `bound` with exit code 0.
    pub fn stops_gracefully(&mut self, bound: Duration) -> bool {
        let has_ended = self.end_with(libc::SIGTERM, bound);
        let status = self.child.try_wait().ok().flatten();
        has_ended && status.is_some_and(|status| status.success())
    }

    /// Pauses the process and its descendants: connections stay open, but nothing is answered.
    pub fn pause(&self) {
        signal(self.id(), libc::SIGSTOP);
        for process in descendants(self.id()) {
            signal(process, libc::SIGSTOP);
        }
    }

    /// Resumes the process and its descendants.
    pub fn resume(&self) {
        for process in descendants(self.id()) {
            signal(process, libc::SIGCONT);
        }
        signal(self.id(), libc::SIGCONT);
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if self.is_running() {
            self.kill();
        }
        let _ = self.guardian.kill();
        let _ = self.guardian.wait();
    }
}

/// Starts a shell that waits for the end of its input, which comes when this process ends, and then kills `group`.
fn guard(group: u32) -> Child {
    Command::new("sh")
        .args([
            "-c",
            "cat >/dev/null; kill -KILL -- \"-$0\"",
            &group.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh starts")
}
