//! What runs beside the requests: watching what moved, letting signing keys follow each other, tidying the embedded store.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::oidc::BackchannelLogout;

/// How often every instance looks which standings moved: a withdrawn right that a store forgot is refused again within this.
const WATCH: Duration = Duration::from_secs(1);
const TIDY: Duration = Duration::from_secs(60);
/// How often every instance looks whether a signing key's turn is nearly over.
const ROTATE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Background(Vec<JoinHandle<()>>);

impl Background {
    pub(super) fn stop(&self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

pub(super) fn start(app: &App) -> Background {
    Background(vec![
        tokio::spawn(watch(app.clone())),
        tokio::spawn(watch_policies(app.clone())),
        tokio::spawn(rotate(app.clone())),
        tokio::spawn(tidy(app.clone())),
        tokio::spawn(tell_of_logouts(app.clone())),
    ])
}

async fn watch(app: App) {
    let mut ticks = interval(WATCH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.standings.watch().await {
            tracing::warn!(%error, "could not look which standings moved");
        }
        if let Err(error) = app.clients.watch().await {
            tracing::warn!(%error, "could not look which clients moved");
        }
        if let Err(error) = app.access.watch().await {
            tracing::warn!(%error, "could not look which things moved");
        }
        if let Err(error) = app.keyring.watch().await {
            tracing::warn!(%error, "could not look whether signing keys changed");
        }
    }
}

async fn watch_policies(app: App) {
    let mut ticks = interval(WATCH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let policies = app.access.policies().clone();
        let look = tokio::task::spawn_blocking(move || policies.watch());
        if let Err(error) = look.await {
            tracing::error!(%error, "could not look whether policies changed");
        }
    }
}

async fn rotate(app: App) {
    let mut ticks = interval(ROTATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.keyring.rotate_due().await {
            tracing::warn!(%error, "could not look whether a signing key is due");
        }
    }
}

async fn tell_of_logouts(app: App) {
    let worker = BackchannelLogout::new(app.oidc.clone(), app.egress.clone());
    app.outbox.run(worker).await;
}

async fn tidy(app: App) {
    let mut ticks = interval(TIDY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.ephemeral.tidy().await {
            tracing::warn!(%error, "could not tidy the ephemeral store");
        }
        if let Err(error) = app.tokens.tidy().await {
            tracing::warn!(%error, "could not forget authorizations that ended");
        }
    }
}
