//! Prints the output of commands: text, or one JSON document.
//!
//! If the reader closes the pipe early, as `head` does, the command exits silently with the exit code of SIGPIPE in a shell.

use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

/// The output format.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    as_json: bool,
}

/// Formats a count with its noun, whose plural ends in `s`: `1 session`, `2 sessions`.
pub(super) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    match count.try_into() {
        Ok(1) => format!("1 {noun}"),
        Ok(count) => format!("{count} {noun}s"),
        Err(_) => format!("{noun}s"),
    }
}

/// Exit code on a broken pipe: 128 plus the number of SIGPIPE.
const BROKEN_PIPE_EXIT_CODE: i32 = 141;
/// How long the service waits for a line to be printed at its start.
const STARTUP_LINE_TIMEOUT: Duration = Duration::from_millis(500);
/// Exit code when standard output can't be written, that of [`super::Failure::Other`].
const WRITE_ERROR_EXIT_CODE: i32 = 1;

impl Output {
    pub(super) fn new(as_json: bool) -> Self {
        Self { as_json }
    }

    /// Prints a result: the document with `--json`, otherwise the text.
    pub(super) fn show(&self, document: &impl Serialize, text: &str) {
        if self.as_json {
            match serde_json::to_string(document) {
                Ok(document) => Self::line(&document),
                Err(error) => Self::warn(&error.to_string()),
            }
        } else {
            Self::line(text);
        }
    }

    /// Prints one row for each item, or all items as one document with `--json`.
    pub(super) fn list<T: Serialize, const N: usize>(
        &self,
        items: &[T],
        heading: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) {
        let rows: Vec<[String; N]> = items.iter().map(row).collect();
        self.table(&json!({ "items": items }), heading, &rows);
    }

    /// Prints rows in columns under a heading, or the document with `--json`.
    pub(super) fn table<const N: usize>(
        &self,
        document: &impl Serialize,
        heading: [&str; N],
        rows: &[[String; N]],
    ) {
        if self.as_json || rows.is_empty() {
            return self.show(document, "none");
        }
        for line in in_columns(heading, rows) {
            Self::line(&line);
        }
    }

    /// Like [`Output::show`], for the result of a failed check: errors of standard output are ignored, to preserve the
    /// exit code of the failure.
    pub(super) fn show_failure(&self, document: &impl Serialize, text: &str) {
        let document = self.as_json.then(|| serde_json::to_string(document));
        match document {
            None => print(text).ok(),
            Some(Ok(document)) => print(&document).ok(),
            Some(Err(error)) => {
                Self::warn(&error.to_string());
                None
            }
        };
    }

    /// Prints one line, such as an entry of a stream. Ends the process if standard output can't be written.
    pub(super) fn line(line: &str) {
        let Err(error) = print(line) else {
            return;
        };
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(BROKEN_PIPE_EXIT_CODE);
        }
        Self::warn(&format!("standard output: {error}"));
        std::process::exit(WRITE_ERROR_EXIT_CODE);
    }

    /// Prints one line, but waits only for a limited time: the service must not block on a pipe that is not read.
    pub(super) fn print_startup_line(line: &str) {
        let line = line.to_owned();
        let (done, printed) = mpsc::channel();
        thread::spawn(move || {
            print(&line).ok();
            done.send(()).ok();
        });
        printed.recv_timeout(STARTUP_LINE_TIMEOUT).ok();
    }

    /// Prints a message to standard error, so that standard output holds only results.
    pub(super) fn warn(message: &str) {
        // If standard error can't be written either, only the exit code reports the failure.
        writeln!(stderr(), "doorward: {message}").ok();
    }

    /// Prints the rows of a failed check. Prints nothing with `--json`, because the error document follows. Errors of standard
    /// output are ignored, to preserve the exit code of the failure.
    pub(super) fn table_of_failures<const N: usize>(
        &self,
        heading: [&str; N],
        rows: &[[String; N]],
    ) {
        if !self.as_json {
            for line in in_columns(heading, rows) {
                print(&line).ok();
            }
        }
    }

    pub(super) fn fail(&self, message: &str, code: u8) {
        if self.as_json {
            // A write error is ignored, to preserve the exit code of the failure.
            print(&json!({ "error": message, "code": code }).to_string()).ok();
        }
        Self::warn(message);
    }
}

fn in_columns<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let mut lines = vec![heading.map(str::to_owned)];
    lines.extend(rows.iter().cloned());
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let in_line = |line: &[String; N]| {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(in_line).collect()
}

fn print(line: &str) -> io::Result<()> {
    let mut output = stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}
