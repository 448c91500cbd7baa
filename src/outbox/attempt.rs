//! Runs one attempt, and stores its outcome.

use std::sync::Arc;
use std::time::Duration;

use super::{AttemptResult, Work, Worker, queries};
use crate::db::{self, Database};

/// Timeout of one attempt. It is shorter than the lease, so that no other instance claims the work during the attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);

const MAX_BACKOFF: Duration = Duration::from_secs(600);

/// Runs the worker, outside of any transaction, and then stores the outcome.
pub(super) async fn attempt(database: Database, worker: Arc<impl Worker>, work: Work) {
    let taken = Work {
        payload: serde_json::Value::Null,
        ..work.clone()
    };
    let outcome = tokio::time::timeout(ATTEMPT_TIMEOUT, worker.work(work)).await;
    let outcome = outcome.unwrap_or_else(|_| AttemptResult::Retry {
        reason: "the attempt timed out".into(),
    });
    log_outcome(&taken, &outcome);
    let (id, attempts) = (taken.id, taken.attempts);
    match store_outcome(&database, &taken, &outcome).await {
        Ok(true) => {}
        Ok(false) => tracing::info!(%id, attempts, "the lease of this job expired"),
        Err(error) => {
            tracing::warn!(%id, attempts, %error, "can't store the result of this job; it will be repeated");
        }
    }
}

fn log_outcome(work: &Work, outcome: &AttemptResult) {
    let Work { id, kind, .. } = work;
    let attempts = work.attempts;
    match outcome {
        AttemptResult::Done => tracing::debug!(%id, kind, attempts, "job done"),
        AttemptResult::Retry { reason } if work.is_last_attempt() => {
            tracing::warn!(%id, kind, attempts, reason, "job failed permanently");
        }
        AttemptResult::Retry { reason } => {
            tracing::info!(%id, kind, attempts, reason, "job failed; it will be retried");
        }
        AttemptResult::Abandoned => tracing::info!(%id, kind, attempts, "job given up"),
    }
}

/// Stores the outcome. Returns whether the row still belonged to this attempt.
async fn store_outcome(
    database: &Database,
    work: &Work,
    outcome: &AttemptResult,
) -> db::Result<bool> {
    let (id, attempts) = (work.id, work.attempts);
    let is_over = work.is_last_attempt() || !matches!(outcome, AttemptResult::Retry { .. });
    let clock = database.clone();
    database
        .write(move |conn| {
            if is_over {
                return queries::delete(conn, id, attempts);
            }
            let due_at = clock.now(conn)?.after(backoff(attempts));
            queries::postpone(conn, id, attempts, due_at)
        })
        .await
}

/// Returns how long to wait after this many attempts: 1 s, 2 s, 4 s … 10 minutes.
fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1);
    let seconds = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::super::MAX_ATTEMPTS;
    use super::*;

    #[test]
    fn delays_double_up_to_ten_minutes() {
        let pauses: Vec<u64> = (1..MAX_ATTEMPTS)
            .map(|attempts| backoff(attempts).as_secs())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]);
        assert_eq!(backoff(u32::MAX), MAX_BACKOFF);
    }
}
