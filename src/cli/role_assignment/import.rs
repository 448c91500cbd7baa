//! `doorward role-assignment import`: imports role assignments from JSON lines, each batch in one transaction.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::line;
use crate::app::App;
use crate::assignments::{ImportError, ImportLine, Imported};
use crate::cli::Failure;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::clients::ActingAs;

/// Maximum length of a line in bytes; far above that of the largest role assignment.
const MAX_LINE_LEN: u64 = 64 << 10;

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// File to import; `-` for standard input.
    file: PathBuf,
    /// Number of lines per transaction.
    #[arg(long, value_name = "LINES", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=2000))]
    batch: u16,
}

/// What was stored so far.
#[derive(Debug, Default, Serialize)]
struct Stored {
    /// The last line that was stored.
    #[serde(rename = "lines")]
    line: u64,
    #[serde(flatten)]
    imported: Imported,
}

impl Stored {
    fn add(&mut self, line: u64, batch: Imported) {
        let all = &mut self.imported;
        all.created = all.created.saturating_add(batch.created);
        all.updated = all.updated.saturating_add(batch.updated);
        all.deleted = all.deleted.saturating_add(batch.deleted);
        all.unchanged = all.unchanged.saturating_add(batch.unchanged);
        self.line = line;
    }

    /// What the user needs to know to decide whether to repeat the import.
    fn so_far(&self) -> String {
        match self.line {
            0 => "nothing was stored".to_owned(),
            line => format!(
                "everything up to line {line} was stored. It is safe to run the import again"
            ),
        }
    }
}

impl Import {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let (input, total) = open(&self.file)?;
        let mut lines = Lines {
            input,
            number: 0,
            bytes: 0,
        };
        let mut stored = Stored::default();
        let size = usize::from(self.batch);
        import(app, &mut lines, (size, total), &mut stored).await?;
        let all = stored.imported;
        let text = format!(
            "{} created, {} updated, {} deleted, {} unchanged",
            all.created, all.updated, all.deleted, all.unchanged
        );
        output.show(&stored, &text);
        Ok(())
    }
}

async fn import(
    app: &App,
    lines: &mut Lines,
    (size, total): (usize, Option<u64>),
    stored: &mut Stored,
) -> Result<(), Failure> {
    let mut progress = Progress::on_terminal("lines stored");
    loop {
        let batch = lines
            .next_batch(size)
            .map_err(|fault| Failure::Refused(format!("{fault}; {}", stored.so_far())))?;
        let number = lines.number;
        if batch.is_empty() {
            stored.line = number;
            return Ok(());
        }
        match app.assignments.import(batch, ActingAs::command()).await {
            Ok(imported) => stored.add(number, imported),
            Err(error) => {
                if matches!(error, ImportError::Pending(_)) {
                    stored.line = number;
                }
                let text = format!("{error}; {}", stored.so_far());
                return Err(match error {
                    ImportError::Line(..) => Failure::Refused(text),
                    _ => Failure::Unavailable(text),
                });
            }
        }
        progress.show(number, lines.bytes, total);
    }
}

type Input = Box<dyn BufRead + Send>;

/// Opens the input. Returns it and its size in bytes, if known.
fn open(path: &std::path::Path) -> Result<(Input, Option<u64>), Failure> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(BufReader::new(stdin())), None));
    }
    let fault = |error: std::io::Error| Failure::Other(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(fault)?;
    let data = file.metadata().map_err(fault)?;
    let total = data.is_file().then_some(data.len());
    Ok((Box::new(BufReader::new(file)), total))
}

struct Lines {
    input: Input,
    /// Number of the line that was read last.
    number: u64,
    /// Number of bytes read so far.
    bytes: u64,
}

impl Lines {
    /// Reads the next lines, skipping empty ones; an empty batch means the end of the input.
    fn next_batch(&mut self, size: usize) -> Result<Vec<ImportLine>, String> {
        let mut batch = Vec::new();
        while batch.len() < size {
            let Some(text) = self.next_line()? else {
                break;
            };
            if !text.trim().is_empty() {
                let parsed = line::parse(self.number, &text);
                batch.push(parsed.map_err(|fault| self.fault(&fault))?);
            }
        }
        Ok(batch)
    }

    fn next_line(&mut self) -> Result<Option<String>, String> {
        let mut text = Vec::new();
        let mut bounded = (&mut self.input).take(MAX_LINE_LEN);
        let read = bounded.read_until(b'\n', &mut text);
        let read = read.map_err(|error| self.fault(&error.to_string()))?;
        if read == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let read = u64::try_from(read).unwrap_or(MAX_LINE_LEN);
        self.bytes = self.bytes.saturating_add(read);
        if read == MAX_LINE_LEN && !text.ends_with(b"\n") {
            return Err(self.fault("must not exceed 65536 bytes"));
        }
        let text = String::from_utf8(text).map_err(|_| self.fault("must be UTF-8"))?;
        Ok(Some(text))
    }

    fn fault(&self, fault: &str) -> String {
        format!("line {}: {fault}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Lines {
        Lines {
            input: Box::new(std::io::Cursor::new(text.to_owned().into_bytes())),
            number: 0,
            bytes: 0,
        }
    }

    const GOOD: &str = r#"{"user":"ada","resource_type":"order","resource_id":"1","roles":["A"]}"#;

    #[test]
    fn lines_are_read_in_batches_and_keep_their_numbers() {
        let mut lines = lines(&format!("{GOOD}\n\n{GOOD}\r\n{GOOD}"));
        let first = lines.next_batch(2).expect("a batch");
        assert_eq!(
            first.iter().map(|line| line.number).collect::<Vec<_>>(),
            [1, 3]
        );
        assert_eq!(lines.next_batch(2).expect("a batch")[0].number, 4);
        assert!(lines.next_batch(2).expect("the end").is_empty());
    }

    #[test]
    fn an_invalid_line_is_reported_with_its_number() {
        let mut wrong = lines(&format!("{GOOD}\nx\n"));
        let fault = wrong.next_batch(10).expect_err("a fault");
        assert!(fault.starts_with("line 2: "), "{fault}");
        let mut long = lines(&format!("{GOOD}\n\"{}\n", "x".repeat(70_000)));
        let fault = long.next_batch(10).expect_err("a fault");
        assert_eq!(fault, "line 2: must not exceed 65536 bytes");
    }
}
