//! Seals the audit log, and logs the newest seal: an operator who stores these log lines elsewhere can detect a truncated chain.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::base::clock::Stopwatch;
use crate::base::hex::to_hex;
use crate::history::{AuditChain, ChainError, ChainStatus};
use crate::web::Metrics;

/// How often every instance checks for unsealed events.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often the newest seal is logged.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

pub(super) async fn run(audit_chain: AuditChain, metrics: Metrics) {
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut logged: Option<Stopwatch> = None;
    let mut last_known_age = LastKnownAge::new(Duration::ZERO);
    loop {
        ticks.tick().await;
        match seal_once(&audit_chain, &metrics, &mut last_known_age).await {
            Ok(status) if is_log_due(&status, logged.map(Stopwatch::elapsed)) => {
                log_head(&status);
                logged = Some(Stopwatch::start());
            }
            Ok(_) => {}
            Err(error) => {
                metrics.set_unsealed(last_known_age.age_now());
                tracing::error!(%error, "can't seal the audit log");
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct LastKnownAge {
    /// Age of the oldest unsealed event when the last check succeeded.
    age: Duration,
    since: Stopwatch,
}

impl LastKnownAge {
    fn new(age: Duration) -> Self {
        Self {
            age,
            since: Stopwatch::start(),
        }
    }

    /// Returns the maximum age of an unsealed event now: while checks fail, one may have been added right after the last check.
    fn age_now(&self) -> Duration {
        self.age.saturating_add(self.since.elapsed())
    }
}

/// Whether to log the newest seal, at most once per [`LOG_INTERVAL`]. Every instance that may seal does: it holds the lease, or no
/// one does. It also logs a seal made by an earlier holder, which may have stopped before logging it.
fn is_log_due(status: &ChainStatus, logged: Option<Duration>) -> bool {
    status.may_seal && status.head.position > 0 && logged.is_none_or(|ago| ago >= LOG_INTERVAL)
}

async fn seal_once(
    audit_chain: &AuditChain,
    metrics: &Metrics,
    last_known_age: &mut LastKnownAge,
) -> Result<ChainStatus, ChainError> {
    let status = audit_chain.status().await?;
    let age = status.unsealed_since.map(|since| status.now.since(since));
    *last_known_age = LastKnownAge::new(age.unwrap_or_default());
    metrics.set_unsealed(last_known_age.age);
    if audit_chain.seal_pending(&status).await? == 0 {
        return Ok(status);
    }
    // Reads the status again, to log the new head.
    Ok(audit_chain.status().await?)
}

fn log_head(status: &ChainStatus) {
    tracing::info!(
        seal = format!("{}:{}", status.head.position, to_hex(&status.head.mac)),
        at = %status.now,
        "audit log sealed"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::history::ChainHead;

    fn status(position: i64, may_seal: bool) -> ChainStatus {
        ChainStatus {
            head: ChainHead {
                position,
                mac: vec![7; 32],
            },
            unsealed_since: None,
            are_revisions_left: false,
            now: Timestamp::from_micros(1),
            may_seal,
        }
    }

    #[test]
    fn the_age_grows_while_the_database_is_unavailable() {
        let last_known_age = LastKnownAge::new(Duration::from_secs(30));
        let first = last_known_age.age_now();
        assert!(first >= last_known_age.age && last_known_age.age_now() >= first);
    }

    #[test]
    fn the_newest_seal_is_logged_immediately_and_then_once_a_minute_by_instances_that_may_seal() {
        let almost = LOG_INTERVAL.saturating_sub(Duration::from_millis(1));
        assert!(is_log_due(&status(1, true), None));
        assert!(!is_log_due(&status(1, true), Some(Duration::ZERO)));
        assert!(!is_log_due(&status(1, true), Some(almost)));
        assert!(is_log_due(&status(1, true), Some(LOG_INTERVAL)));
        assert!(
            !is_log_due(&status(1, false), None),
            "another holds the lease"
        );
        assert!(!is_log_due(&status(0, true), None), "nothing is sealed");
        assert_eq!(LOG_INTERVAL, Duration::from_secs(60), "as the guide says");
    }
}
