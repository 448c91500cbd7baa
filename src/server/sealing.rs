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
    loop {
        ticks.tick().await;
        let is_time = told.is_none_or(|told| told.elapsed() >= TELL);
        match turn(&seal, &metrics).await {
            // Also where another sealed last, and has gone: what it sealed may not have been told.
            Ok(look) if look.is_ours && is_time && look.head.position > 0 => {
                tell(&look);
                told = Some(Stopwatch::start());
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the audit log could not be sealed"),
        }
    }
}

async fn turn(seal: &AuditSeal, metrics: &Metrics) -> Result<Look, SealError> {
    let look = seal.look().await?;
    let age = look.unsealed_since.map(|since| look.now.since(since));
    metrics.set_unsealed(age.unwrap_or_default());
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
        "the audit log is sealed up to here"
    );
}
