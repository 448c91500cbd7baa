//! Logging: one function sets it up from the configuration.

mod sink;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::Duration;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{InitError, RollingFileAppender};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::config::{Log, LogFormat};
pub use sink::{Sink, sinks};

/// How long the process waits at its end for log lines that are not written yet.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Owns the writer threads. When dropped at the end of the process, it waits for them to write the remaining lines, but for two
/// seconds at most, because a writer may be blocked forever.
#[derive(Debug, Default)]
pub struct LogGuard(Vec<WorkerGuard>);

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (done, written) = mpsc::channel();
        for guard in self.0.drain(..) {
            let done = done.clone();
            // Dropping the guard of a blocked writer blocks, or prints, which blocks as well.
            std::thread::spawn(move || {
                drop(guard);
                done.send(()).ok();
            });
        }
        drop(done);
        while written.recv_timeout(FLUSH_TIMEOUT).is_ok() {}
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log file can't be created.
    #[error("log.file: {0}")]
    File(#[from] InitError),
    /// The filter is malformed.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Logging was already set up.
    #[error("logging is already set up")]
    Twice,
}

/// One filter (`log.level`) in front of all layers.
type Filtered = Layered<EnvFilter, Registry>;
type BoxedLayer = Box<dyn Layer<Filtered> + Send + Sync>;

/// Sets up `tracing` for the service. Console and file are written by threads of their own, which drop lines if the console or disk
/// can't keep up, so that logging never delays a request.
pub fn start(log: &Log) -> Result<LogGuard, TelemetryError> {
    let mut layers: Vec<BoxedLayer> = Vec::new();
    let mut guard = LogGuard::default();
    let mut sinks = Vec::new();
    if log.console {
        let (writer, worker, sink) = sink::open("console", std::io::stderr());
        layers.push(layer(log, writer, std::io::stderr().is_terminal()));
        guard.0.push(worker);
        sinks.push(sink);
    }
    if let Some(path) = &log.file {
        let (writer, worker, sink) = sink::open("file", appender(log, path)?);
        layers.push(layer(log, writer, false));
        guard.0.push(worker);
        sinks.push(sink);
    }
    install(log, layers)?;
    sink::register(sinks);
    // Standard error may be a pipe that is not read: printing a panic there would block the thread.
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
        let backtrace = backtrace.map(tracing::field::display);
        tracing::error!(%panic, backtrace, "a thread panicked");
    }));
    Ok(guard)
}

/// Sets up `tracing` for a command. Log lines are written to standard error synchronously, in order with the
/// command's other output.
pub fn start_command(log: &Log) -> Result<(), TelemetryError> {
    let is_terminal = std::io::stderr().is_terminal();
    install(log, vec![layer(log, std::io::stderr, is_terminal)])
}

/// Installs these layers as the subscriber of the process, and forwards records of the `log` crate to it.
fn install(log: &Log, layers: Vec<BoxedLayer>) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&log.level)?;
    let subscriber = Registry::default().with(filter).with(layers);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
    tracing_log::LogTracer::init().map_err(|_| TelemetryError::Twice)
}

fn layer<W>(log: &Log, writer: W, colour: bool) -> BoxedLayer
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let base = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        // Write errors are ignored: they would be reported to standard error, which may be closed, and panic.
        .log_internal_errors(false)
        .with_file(true)
        .with_line_number(true)
        .with_target(true);
    match log.format {
        LogFormat::Text => base.with_ansi(colour).boxed(),
        LogFormat::Json => base.json().boxed(),
    }
}

fn appender(log: &Log, path: &std::path::Path) -> Result<RollingFileAppender, TelemetryError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| std::path::Path::new("."));
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let suffix = path
        .extension()
        .map_or_else(|| "log".into(), |suffix| suffix.to_string_lossy());
    Ok(RollingFileAppender::builder()
        .rotation(log.rotation.clone())
        .filename_prefix(stem)
        .filename_suffix(suffix)
        .max_log_files(log.keep)
        .build(folder)?)
}
