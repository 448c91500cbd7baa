//! Describes the measured commit, the build and the machine, so that results can be compared.

use std::path::Path;
use std::process::Command;

/// Returns the commit, the profile, the compiler and the machine, one per line. What can't be determined is `unknown`.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let profile = if cfg!(debug_assertions) {
        "with debug assertions: the figures mean nothing"
    } else {
        "optimized"
    };
    format!(
        "Commit: {} ({profile})\nCompiler: {}\nCPU: {}, {cores} cores\nMemory: {}",
        commit().as_deref().unwrap_or("unknown"),
        output("rustc", &["--version"])
            .as_deref()
            .unwrap_or("unknown"),
        field("/proc/cpuinfo", "model name")
            .as_deref()
            .unwrap_or("unknown"),
        memory().as_deref().unwrap_or("unknown"),
    )
}

/// Returns the abbreviated commit, with `-dirty` if tracked files differ from it.
fn commit() -> Option<String> {
    let commit = output("git", &["rev-parse", "--short", "HEAD"])?;
    let changes = output("git", &["status", "--porcelain", "--untracked-files=no"])?;
    let suffix = if changes.is_empty() { "" } else { "-dirty" };
    Some(commit + suffix)
}

fn memory() -> Option<String> {
    let text = field("/proc/meminfo", "MemTotal")?;
    let kilobytes: f64 = text.strip_suffix(" kB")?.parse().ok()?;
    Some(format!("{:.1} GB", kilobytes / 1024.0 / 1024.0))
}

/// Returns the first value of a field in a file with lines of the form `name: value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(Path::new(file)).ok()?;
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields
        .map(|(found, value)| (found.trim(), value.trim()))
        .find(|(found, _)| *found == name)?;
    Some(value.to_owned())
}

/// Runs a command in the repository and returns its output; `None` if it fails.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
