//! The polling loop of one instance.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::attempt::attempt;
use super::claim::{ClaimedWork, claim_due};
use super::{Work, Worker};
use crate::db::{self, Database};

/// How often an instance polls: for work that other instances enqueued, retries that are due, and work of instances that died.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How much work of one queue an instance does concurrently.
const MAX_PER_QUEUE: usize = 2;

/// How much work an instance does concurrently.
const MAX_CONCURRENT: usize = 128;

/// Polls for work and has it done. Cheap to clone; waking one clone wakes the loops of all.
#[derive(Clone, Debug)]
pub struct Outbox {
    database: Database,
    wakes: Arc<watch::Sender<()>>,
}

impl Outbox {
    /// Creates the service from the database in which work is enqueued.
    pub fn new(database: Database) -> Self {
        Self {
            database,
            wakes: Arc::new(watch::Sender::new(())),
        }
    }

    /// Makes this instance poll immediately. Call it after the commit of a transaction that enqueued work.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn wake(&self) {
        self.wakes.send_replace(());
    }

    /// Polls for the worker's kind of work and runs it, until aborted. Attempts that are running then are repeated after the lease.
    pub async fn run(&self, worker: impl Worker) {
        let worker = Arc::new(worker);
        let mut wakes = self.wakes.subscribe();
        let mut ticks = interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut running = RunningAttempts::default();
        let mut is_unavailable = false;
        loop {
            running.remove_finished();
            let found = self.claim(worker.kind(), &running).await;
            log_availability_change(&mut is_unavailable, &found);
            let found = found.unwrap_or_default();
            for work in found.claimed {
                running.begin(&self.database, &worker, work);
            }
            if found.was_due {
                continue;
            }
            tokio::select! {
                _ = ticks.tick() => {}
                _ = wakes.changed() => {}
                () = running.wait_for_any() => {}
            }
        }
    }

    async fn claim(
        &self,
        kind: &'static str,
        running: &RunningAttempts,
    ) -> db::Result<ClaimedWork> {
        let free_slots = running.free_slots();
        if free_slots == 0 {
            return Ok(ClaimedWork::default());
        }
        claim_due(&self.database, kind, running.busy_queues(), free_slots).await
    }
}

/// Logs when the database becomes unavailable and when it is available again, once each.
fn log_availability_change(is_unavailable: &mut bool, found: &db::Result<ClaimedWork>) {
    match found {
        Err(error) if !*is_unavailable => tracing::warn!(%error, "can't poll for jobs"),
        Ok(_) if *is_unavailable => tracing::warn!("polling for jobs again"),
        Ok(_) | Err(_) => {}
    }
    *is_unavailable = found.is_err();
}

/// The running attempts of this loop, each with its queue. Dropping it cancels them.
#[derive(Default)]
struct RunningAttempts {
    attempts: JoinSet<()>,
    queues: HashMap<Id, String>,
}

impl RunningAttempts {
    fn begin(&mut self, database: &Database, worker: &Arc<impl Worker>, work: Work) {
        let queue = work.queue.clone();
        let attempt = attempt(database.clone(), worker.clone(), work);
        let task = self.attempts.spawn(attempt);
        self.queues.insert(task.id(), queue);
    }

    fn free_slots(&self) -> usize {
        MAX_CONCURRENT.saturating_sub(self.queues.len())
    }

    fn busy_queues(&self) -> Vec<String> {
        let mut counts: HashMap<&String, usize> = HashMap::new();
        for queue in self.queues.values() {
            *counts.entry(queue).or_default() += 1;
        }
        let full = counts
            .into_iter()
            .filter(|(_, count)| *count >= MAX_PER_QUEUE);
        full.map(|(queue, _)| queue.clone()).collect()
    }

    /// Waits until an attempt ends; forever if none is running.
    async fn wait_for_any(&mut self) {
        match self.attempts.join_next_with_id().await {
            Some(ended) => self.remove(ended),
            None => std::future::pending().await,
        }
    }

    fn remove_finished(&mut self) {
        while let Some(ended) = self.attempts.try_join_next_with_id() {
            self.remove(ended);
        }
    }

    fn remove(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "a worker failed; its job is repeated after the lease");
                error.id()
            }
        };
        self.queues.remove(&id);
    }
}
