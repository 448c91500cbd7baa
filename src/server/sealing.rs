//! Sealing the audit log, and writing the newest seal to the log: whoever keeps that elsewhere can tell a chain that was cut.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::base::clock::Stopwatch;
use crate::base::hex::to_hex;
use crate::history::{AuditSeal, Look, SealError};
use crate::web::Metrics;

/// How often every instance looks whether it is its turn.
const SEAL: Duration = Duration::from_secs(1);
/// How often the newest seal goes to the log.
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

/// What the last look that succeeded told: since then nobody knows better.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// How old the oldest event was that waited.
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

    /// How old an event may be by now that waits: where nobody can look, one may have come right after the last look.
    fn age_now(&self) -> Duration {
        self.age.saturating_add(self.since.elapsed())
    }
}

/// Whether the newest seal goes to the log: by the process whose turn it is, also where another sealed last, and has gone (what
/// it sealed may not have been told), and not sooner after the time before than [`TELL`].
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
    // What was sealed now is the newest.
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
