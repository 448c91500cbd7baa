//! What a command prints: text for people, or one JSON document.

use serde::Serialize;
use serde_json::json;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    as_json: bool,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command's own voice"
)]
impl Output {
    pub(super) fn new(as_json: bool) -> Self {
        Self { as_json }
    }

    /// Prints a result: the document with `--json`, else the text.
    pub(super) fn show(&self, document: &impl Serialize, text: &str) {
        if self.as_json {
            match serde_json::to_string(document) {
                Ok(document) => println!("{document}"),
                Err(error) => eprintln!("doorward: {error}"),
            }
        } else {
            println!("{text}");
        }
    }

    /// Prints rows under a heading, in columns.
    pub(super) fn table(&self, document: &impl Serialize, heading: &[&str], rows: &[Vec<String>]) {
        if self.as_json || rows.is_empty() {
            return self.show(document, "none");
        }
        let mut lines = vec![heading.iter().map(ToString::to_string).collect()];
        lines.extend(rows.iter().cloned());
        let width = |column: usize| {
            lines
                .iter()
                .filter_map(|line: &Vec<String>| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heading.len()).map(width).collect();
        for line in &lines {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            println!("{}", cells.join("  ").trim_end());
        }
    }

    /// Prints one line as it is: an entry of a stream.
    pub(super) fn line(line: &str) {
        println!("{line}");
    }

    /// Says on standard error what went wrong, when standard output has the rest.
    pub(super) fn warn(message: &str) {
        eprintln!("doorward: {message}");
    }

    /// Prints rows where nothing reads a document: another document follows.
    pub(super) fn table_for_people(&self, heading: &[&str], rows: &[Vec<String>]) {
        if !self.as_json {
            self.table(&(), heading, rows);
        }
    }

    pub(super) fn fail(&self, message: &str, code: u8) {
        if self.as_json {
            println!("{}", json!({ "error": message, "code": code }));
        }
        eprintln!("doorward: {message}");
    }
}
