//! Background tasks: polling for changed records and policies, rotating signing keys, back-channel logout, sealing the audit log,
//! deleting expired data, reporting dropped log lines.

use std::fmt::Display;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::audit_sealing;
use super::record::record_policies;
use crate::app::App;
use crate::base::telemetry::{self, Sink};
use crate::oidc::BackchannelLogout;
use crate::web::Metrics;

/// How often every instance polls for changed records and policies. If a cache lost a revocation, it is enforced again within
/// this time.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often the log sinks are checked for dropped lines.
const LOG_CHECK_INTERVAL: Duration = Duration::from_secs(1);
const CLEANUP_INTERVAL: Duration = Duration::from_secs(60);
/// How often every instance checks whether a signing key is due for rotation.
const ROTATION_CHECK_INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Background(Vec<JoinHandle<()>>);

impl Background {
    pub(super) fn stop(&self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

pub(super) fn start(app: &App, metrics: &Metrics) -> Background {
    Background(vec![
        tokio::spawn(watch(app.clone())),
        tokio::spawn(watch_policies(app.clone())),
        tokio::spawn(rotate(app.clone())),
        tokio::spawn(delete_expired(app.clone())),
        tokio::spawn(send_logout_notifications(app.clone())),
        tokio::spawn(watch_log()),
        tokio::spawn(audit_sealing::run(app.audit_chain.clone(), metrics.clone())),
    ])
}

fn warn_of<T, E: Display>(result: Result<T, E>, what: &str) {
    if let Err(error) = result {
        tracing::warn!(%error, "{what}");
    }
}

async fn watch(app: App) {
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        warn_of(
            app.account_states.watch().await,
            "can't poll for changed accounts",
        );
        warn_of(app.clients.watch().await, "can't poll for changed clients");
        warn_of(
            app.assignments.watch().await,
            "can't poll for changed resources",
        );
        warn_of(
            app.keyring.watch().await,
            "can't poll for changed signing keys",
        );
    }
}

async fn watch_policies(app: App) {
    let mut recorded = app.policies.loaded();
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let policies = app.policies.clone();
        let look = tokio::task::spawn_blocking(move || policies.watch());
        if let Err(error) = look.await {
            tracing::error!(%error, "can't check policies for changes");
        }
        let loaded = app.policies.loaded();
        if loaded != recorded {
            match record_policies(&app, &loaded).await {
                Ok(()) => recorded = loaded,
                Err(error) => {
                    tracing::warn!(%error, "can't record the loaded policies in the audit log");
                }
            }
        }
    }
}

async fn rotate(app: App) {
    let mut ticks = interval(ROTATION_CHECK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let rotated = app.keyring.rotate_due().await;
        warn_of(rotated, "can't check whether a signing key must be rotated");
    }
}

async fn send_logout_notifications(app: App) {
    let worker = BackchannelLogout::new(app.oidc.clone(), app.egress.clone());
    app.outbox.run(worker).await;
}

async fn delete_expired(app: App) {
    let mut ticks = interval(CLEANUP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        warn_of(
            app.ephemeral.delete_expired().await,
            "can't clean up the ephemeral store",
        );
        warn_of(
            app.tokens.delete_expired().await,
            "can't delete ended authorizations",
        );
        warn_of(
            app.sessions.delete_expired().await,
            "can't delete records of used tokens",
        );
    }
}

/// Logs how many log lines were dropped, once a sink accepts lines again.
async fn watch_log() {
    let mut sinks: Vec<_> = telemetry::sinks().iter().map(SinkMonitor::new).collect();
    let mut ticks = interval(LOG_CHECK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for watched in &mut sinks {
            let (dropped, written) = (watched.sink.dropped(), watched.sink.written());
            if let Some(lines) = watched.note(dropped, written) {
                let sink = watched.sink.name();
                tracing::warn!(
                    sink,
                    lines,
                    "log lines were dropped: the log reader or the disk is too slow"
                );
            }
        }
    }
}

/// A sink, and its counters at the last check.
struct SinkMonitor {
    sink: &'static Sink,
    reported: u64,
    dropped: u64,
    /// How many lines were written when the last one was dropped.
    written: u64,
}

impl SinkMonitor {
    fn new(sink: &'static Sink) -> Self {
        Self {
            sink,
            reported: 0,
            dropped: 0,
            written: 0,
        }
    }

    /// Returns how many dropped lines to report: all, once none were dropped since the last check and some were written since
    /// the last drop.
    fn note(&mut self, dropped: u64, written: u64) -> Option<u64> {
        if dropped != self.dropped {
            (self.dropped, self.written) = (dropped, written);
            return None;
        }
        let lines = dropped.saturating_sub(self.reported);
        if lines == 0 || written == self.written {
            return None;
        }
        self.reported = dropped;
        Some(lines)
    }
}
