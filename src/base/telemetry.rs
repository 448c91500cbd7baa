//! Logging: one function sets it up from the configuration.

use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{InitError, RollingFileAppender};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::config::{Log, LogFormat, Rotation};

/// Keeps the file writer's thread alive; dropped at the end, it writes what is left.
#[derive(Debug)]
pub struct LogGuard {
    _file: Option<WorkerGuard>,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log file can't be made.
    #[error("log.file: {0}")]
    File(#[from] InitError),
    /// The filter is malformed.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody set up logging before.
    #[error("logging is set up already")]
    Twice,
}

/// What passes the filter reaches every layer: they all have the one of `log.level`.
type Filtered = Layered<EnvFilter, Registry>;
type BoxedLayer = Box<dyn Layer<Filtered> + Send + Sync>;

/// Sets up `tracing` for the whole process, bridges records of the `log` crate in, and writes the file (when one is
/// named) on a thread of its own, so that a slow disk slows no request.
///
/// # Errors
/// When the file can't be made, or when called twice.
pub fn start(log: &Log) -> Result<LogGuard, TelemetryError> {
    let mut layers: Vec<BoxedLayer> = Vec::new();
    if log.console {
        layers.push(layer(log, std::io::stderr, true));
    }
    let mut guard = None;
    if let Some(path) = &log.file {
        let (writer, worker) = file_writer(log, path)?;
        layers.push(layer(log, writer, false));
        guard = Some(worker);
    }
    let filter = EnvFilter::try_new(&log.level)?;
    let subscriber = Registry::default().with(filter).with(layers);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
    tracing_log::LogTracer::init().map_err(|_| TelemetryError::Twice)?;
    Ok(LogGuard { _file: guard })
}

fn layer<W>(log: &Log, writer: W, colour: bool) -> BoxedLayer
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    use std::io::IsTerminal;
    let base = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        // What can't be written is lost: the way to say so is standard error, and a closed one would end the request that logs.
        .log_internal_errors(false)
        .with_file(true)
        .with_line_number(true)
        .with_target(true);
    match log.format {
        LogFormat::Text => base
            .with_ansi(colour && std::io::stderr().is_terminal())
            .boxed(),
        LogFormat::Json => base.json().boxed(),
    }
}

fn file_writer(
    log: &Log,
    path: &std::path::Path,
) -> Result<(NonBlocking, WorkerGuard), TelemetryError> {
    let rotation = match log.rotation {
        Rotation::Minutely => tracing_appender::rolling::Rotation::MINUTELY,
        Rotation::Hourly => tracing_appender::rolling::Rotation::HOURLY,
        Rotation::Daily => tracing_appender::rolling::Rotation::DAILY,
        Rotation::Never => tracing_appender::rolling::Rotation::NEVER,
    };
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
    let appender = RollingFileAppender::builder()
        .rotation(rotation)
        .filename_prefix(stem)
        .filename_suffix(suffix)
        .max_log_files(log.keep)
        .build(folder)?;
    Ok(tracing_appender::non_blocking(appender))
}
