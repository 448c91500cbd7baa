//! Raises the limit of open files (`RLIMIT_NOFILE`) at startup, and derives the limit of connections from it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files reserved for databases, Redis, files and the operator's port.
const RESERVED: usize = 128;
/// Maximum number of connections of one worker thread, regardless of the limit of open files.
const MAX_PER_WORKER: usize = 25_000;

/// Raises the soft limit to the hard limit. Returns how many files may be open.
pub(super) fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "can't raise the limit of open files");
        }
    }
    let files = getrlimit(Resource::Nofile).current;
    files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    })
}

/// Returns how many connections each worker may have.
pub(super) fn connections_per_worker(files: usize, pool_size: usize, workers: usize) -> usize {
    let reserved = RESERVED.saturating_add(pool_size).min(files / 2);
    let left = files.saturating_sub(reserved);
    (left / workers.max(1)).clamp(1, MAX_PER_WORKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_file_descriptors_for_other_uses() {
        assert_eq!(connections_per_worker(1_024, 8, 2), 444);
        assert_eq!(
            connections_per_worker(256, 8, 2),
            64,
            "half of a small limit"
        );
        assert_eq!(connections_per_worker(usize::MAX, 8, 2), MAX_PER_WORKER);
        assert_eq!(connections_per_worker(0, 8, 4), 1);
    }
}
