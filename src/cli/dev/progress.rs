//! How far a long command is, on standard error: one line that moves on a terminal, else a line for each tenth.

use std::io::IsTerminal;

/// A count that grows to its end.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    all: u64,
    tenths: u64,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn of(what: &'static str, all: u64) -> Self {
        Self {
            what,
            all: all.max(1),
            tenths: 0,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Shows that so many are done.
    #[expect(clippy::print_stderr, reason = "the command's own voice")]
    pub(super) fn show(&mut self, done: u64) {
        let tenths = done.saturating_mul(10) / self.all;
        let percent = done.saturating_mul(100) / self.all;
        if self.is_terminal {
            let end = if done >= self.all { "\n" } else { "" };
            eprint!("\r{percent:3} %  {done} {}{end}", self.what);
        } else if tenths > self.tenths {
            eprintln!("{percent:3} %  {done} {}", self.what);
        }
        self.tenths = tenths;
    }
}
