//! The polling loop of one instance.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::attempt::attempt;
use super::look::{Found, look};
use super::{Work, Worker};
use crate::db::{self, Database};

/// How often an instance polls: for work that other instances enqueued, retries that are due, and work of instances that died.
const PERIOD: Duration = Duration::from_millis(500);

/// How much work of one queue an instance does concurrently.
const MOST_OF_A_QUEUE: usize = 2;

/// How much work an instance does concurrently.
const MOST_AT_ONCE: usize = 128;

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
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = UnderWay::default();
        let mut is_away = false;
        loop {
            under_way.forget_ended();
            let found = self.look(worker.kind(), &under_way).await;
            note_change(&mut is_away, &found);
            let found = found.unwrap_or_default();
            for work in found.taken {
                under_way.begin(&self.database, &worker, work);
            }
            if found.was_due {
                continue;
            }
            tokio::select! {
                _ = ticks.tick() => {}
                _ = wakes.changed() => {}
                () = under_way.one_ends() => {}
            }
        }
    }

    async fn look(&self, kind: &'static str, under_way: &UnderWay) -> db::Result<Found> {
        let places = under_way.places();
        if places == 0 {
            return Ok(Found::default());
        }
        look(&self.database, kind, under_way.busy_queues(), places).await
    }
}

/// Logs when the database becomes unavailable and when it is available again, once each.
fn note_change(is_away: &mut bool, found: &db::Result<Found>) {
    match found {
        Err(error) if !*is_away => tracing::warn!(%error, "can't poll for jobs"),
        Ok(_) if *is_away => tracing::warn!("polling for jobs again"),
        Ok(_) | Err(_) => {}
    }
    *is_away = found.is_err();
}

/// The running attempts of this loop, each with its queue. Dropping it cancels them.
#[derive(Default)]
struct UnderWay {
    attempts: JoinSet<()>,
    queues: HashMap<Id, String>,
}

impl UnderWay {
    fn begin(&mut self, database: &Database, worker: &Arc<impl Worker>, work: Work) {
        let queue = work.queue.clone();
        let attempt = attempt(database.clone(), worker.clone(), work);
        let task = self.attempts.spawn(attempt);
        self.queues.insert(task.id(), queue);
    }

    fn places(&self) -> usize {
        MOST_AT_ONCE.saturating_sub(self.queues.len())
    }

    fn busy_queues(&self) -> Vec<String> {
        let mut counts: HashMap<&String, usize> = HashMap::new();
        for queue in self.queues.values() {
            *counts.entry(queue).or_default() += 1;
        }
        let full = counts
            .into_iter()
            .filter(|(_, count)| *count >= MOST_OF_A_QUEUE);
        full.map(|(queue, _)| queue.clone()).collect()
    }

    /// Waits until an attempt ends; forever if none is running.
    async fn one_ends(&mut self) {
        match self.attempts.join_next_with_id().await {
            Some(ended) => self.forget(ended),
            None => std::future::pending().await,
        }
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.attempts.try_join_next_with_id() {
            self.forget(ended);
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
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
