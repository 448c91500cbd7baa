//! Seals the audit log, and logs the newest seal: an operator who stores these log lines elsewhere can detect a truncated chain.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::base::clock::Stopwatch;
use crate::base::hex::to_hex;
use crate::history::{AuditSeal, Look, SealError};
use crate::web::Metrics;

/// How often every instance checks whether it holds the lease.
const SEAL: Duration = Duration::from_secs(1);
/// How often the newest seal is logged.
const TELL: Duration = Duration::from_secs(60);

pub(super) async fn run(seal: AuditSeal, metrics: Metrics) {
    let mut ticks = interval(SEAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<Stopwatch> = None;
    let mut known = Known::new(Duration::ZERO);
    loop {
        ticks.tick().await;
        match turn(&seal, &metrics, &mut known).await {
            Ok(look) if is_to_be_told(&look, told.map(Stopwatch::elapsed)) => {
                tell(&look);
                told = Some(Stopwatch::start());
            }
            Ok(_) => {}
            Err(error) => {
                metrics.set_unsealed(known.age_now());
                tracing::error!(%error, "can't seal the audit log");
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// Age of the oldest unsealed event at that time.
    age: Duration,
    since: Stopwatch,
}

impl Known {
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

/// Whether to log the newest seal: only the process that holds the lease does, at most once per [`TELL`]. It also logs a seal
/// made by an earlier holder, which may have stopped before logging it.
fn is_to_be_told(look: &Look, told: Option<Duration>) -> bool {
    look.is_ours && look.head.position > 0 && told.is_none_or(|ago| ago >= TELL)
}

async fn turn(seal: &AuditSeal, metrics: &Metrics, known: &mut Known) -> Result<Look, SealError> {
    let look = seal.look().await?;
    let age = look.unsealed_since.map(|since| look.now.since(since));
    *known = Known::new(age.unwrap_or_default());
    metrics.set_unsealed(known.age);
    if seal.work(&look).await? == 0 {
        return Ok(look);
    }
    // Returns the seal that was just made.
    Ok(seal.look().await?)
}

fn tell(look: &Look) {
    tracing::info!(
        seal = format!("{}:{}", look.head.position, to_hex(&look.head.mac)),
        at = %look.now,
        "audit log sealed"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::history::Head;

    fn look(position: i64, is_ours: bool) -> Look {
        Look {
            head: Head {
                position,
                mac: vec![7; 32],
            },
            unsealed_since: None,
            are_revisions_left: false,
            now: Timestamp::from_micros(1),
            is_ours,
        }
    }

    #[test]
    fn where_nobody_can_look_the_age_goes_on_from_what_was_known() {
        let known = Known::new(Duration::from_secs(30));
        let first = known.age_now();
        assert!(first >= known.age && known.age_now() >= first);
    }

    #[test]
    fn the_newest_seal_is_told_at_once_and_then_once_a_minute_by_the_one_whose_turn_it_is() {
        let almost = TELL.saturating_sub(Duration::from_millis(1));
        assert!(is_to_be_told(&look(1, true), None));
        assert!(!is_to_be_told(&look(1, true), Some(Duration::ZERO)));
        assert!(!is_to_be_told(&look(1, true), Some(almost)));
        assert!(is_to_be_told(&look(1, true), Some(TELL)));
        assert!(!is_to_be_told(&look(1, false), None), "another's turn");
        assert!(!is_to_be_told(&look(0, true), None), "nothing is sealed");
        assert_eq!(TELL, Duration::from_secs(60), "as the guide says");
    }
}
