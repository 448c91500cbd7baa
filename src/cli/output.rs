//! What a command prints: text for people, or one JSON document.
//!
//! A reader may go before all is printed, as `head` does. Then the command ends as one that gives standard output to a closed
//! pipe does everywhere: without a word, and with the exit code that a shell gives to SIGPIPE.

use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    as_json: bool,
}

/// A number with its noun, whose plural has an `s`: `1 session`, `2 sessions`.
pub(super) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    match count.try_into() {
        Ok(1) => format!("1 {noun}"),
        Ok(count) => format!("{count} {noun}s"),
        Err(_) => format!("{noun}s"),
    }
}

/// 128 and the number of SIGPIPE.
const READER_GONE: i32 = 141;
/// How long a service waits for a line to be printed.
const GREETING_TIMEOUT: Duration = Duration::from_millis(500);
/// As [`super::Failure::Other`].
const NOT_PRINTED: i32 = 1;

impl Output {
    pub(super) fn new(as_json: bool) -> Self {
        Self { as_json }
    }

    /// Prints a result: the document with `--json`, else the text.
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

    /// Prints rows under a heading, in columns.
    pub(super) fn table(&self, document: &impl Serialize, heading: &[&str], rows: &[Vec<String>]) {
        if self.as_json || rows.is_empty() {
            return self.show(document, "none");
        }
        for line in in_columns(heading, rows) {
            Self::line(&line);
        }
    }

    /// As [`Output::show`], for a result that is bad news: the exit code tells it, also where nobody reads it.
    pub(super) fn show_bad_news(&self, document: &impl Serialize, text: &str) {
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

    /// Prints one line as it is: an entry of a stream. Ends the process where nothing more can be printed.
    pub(super) fn line(line: &str) {
        let Err(error) = print(line) else {
            return;
        };
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(READER_GONE);
        }
        Self::warn(&format!("standard output: {error}"));
        std::process::exit(NOT_PRINTED);
    }

    /// Prints one line, if standard output takes it in time: the service must not block on a pipe that is not read.
    pub(super) fn greet(line: &str) {
        let line = line.to_owned();
        let (done, printed) = mpsc::channel();
        thread::spawn(move || {
            print(&line).ok();
            done.send(()).ok();
        });
        printed.recv_timeout(GREETING_TIMEOUT).ok();
    }

    /// Says on standard error what went wrong, when standard output has the rest.
    pub(super) fn warn(message: &str) {
        // Where nobody reads that either, the exit code tells.
        writeln!(stderr(), "doorward: {message}").ok();
    }

    /// Prints rows that are bad news, where nothing reads a document: another document follows, and the exit code tells it also
    /// where nobody reads them.
    pub(super) fn table_of_bad_news(&self, heading: &[&str], rows: &[Vec<String>]) {
        if !self.as_json {
            for line in in_columns(heading, rows) {
                print(&line).ok();
            }
        }
    }

    pub(super) fn fail(&self, message: &str, code: u8) {
        if self.as_json {
            // The exit code tells more than that nobody reads this.
            print(&json!({ "error": message, "code": code }).to_string()).ok();
        }
        Self::warn(message);
    }
}

fn in_columns(heading: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut lines: Vec<Vec<String>> = vec![heading.iter().map(ToString::to_string).collect()];
    lines.extend(rows.iter().cloned());
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let in_line = |line: &Vec<String>| {
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
