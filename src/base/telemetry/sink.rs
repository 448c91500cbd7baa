//! Log sinks: each has a writer thread of its own, and drops lines instead of delaying requests.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Maximum number of lines in a sink's queue; further lines are dropped.
const MAX_WAITING_LINES: usize = 8_192;

static SINKS: OnceLock<Vec<Sink>> = OnceLock::new();

/// The counters of a log sink. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sink {
    name: &'static str,
    overflowed: ErrorCounter,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    written: AtomicU64,
    failed: AtomicU64,
}

impl Sink {
    /// Returns the sink's name: `console` or `file`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns how many lines were dropped because the queue was full or the write failed.
    pub fn dropped(&self) -> u64 {
        let overflowed = u64::try_from(self.overflowed.dropped_lines()).unwrap_or(u64::MAX);
        overflowed.saturating_add(self.counts.failed.load(Ordering::Relaxed))
    }

    /// Returns how many lines were written.
    pub fn written(&self) -> u64 {
        self.counts.written.load(Ordering::Relaxed)
    }
}

/// Returns the sinks of this process; none before logging is set up.
pub fn sinks() -> &'static [Sink] {
    SINKS.get().map_or(&[], Vec::as_slice)
}

pub(super) fn register(sinks: Vec<Sink>) {
    SINKS.set(sinks).ok();
}

/// Puts a queue in front of a writer that may block. Returns a writer that never blocks, the guard of its thread, and the counters.
pub(super) fn open<W: Write + Send + 'static>(
    name: &'static str,
    writer: W,
) -> (NonBlocking, WorkerGuard, Sink) {
    let counts = Arc::<Counts>::default();
    let counted = Counted {
        writer,
        counts: Arc::clone(&counts),
    };
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(MAX_WAITING_LINES)
        .thread_name(&format!("log-{name}"))
        .finish(counted);
    let overflowed = writer.error_counter();
    let sink = Sink {
        name,
        overflowed,
        counts,
    };
    (writer, guard, sink)
}

/// Counts the lines that were written and those that could not be written.
struct Counted<W> {
    writer: W,
    counts: Arc<Counts>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    /// Writes one line. The writer thread calls this once per line.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.writer.write_all(line);
        let count = match written {
            Ok(()) => &self.counts.written,
            Err(_) => &self.counts.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A writer that blocks until the test sends the result of the write.
    struct Gate(mpsc::Receiver<io::Result<()>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().unwrap_or(Ok(())).map(|()| bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn unwritten_lines_are_counted() {
        let (gate, lines) = mpsc::channel();
        let (mut writer, guard, sink) = open("console", Gate(lines));
        // One line is being written; the others are queued, or dropped because the queue is full.
        for _ in 0..MAX_WAITING_LINES + 10 {
            writer.write_all(b"line\n").expect("never an error");
        }
        let dropped = sink.dropped();
        assert!((9..=10).contains(&dropped), "{dropped}");
        assert_eq!(sink.written(), 0);
        gate.send(Err(io::ErrorKind::StorageFull.into()))
            .expect("sent");
        drop(gate);
        drop(guard);
        let lines = u64::try_from(MAX_WAITING_LINES).expect("a number") + 10;
        assert_eq!(sink.dropped(), dropped + 1, "the write failed");
        assert_eq!(sink.written() + sink.dropped(), lines);
    }
}
