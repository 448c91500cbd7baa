//! The loop of one instance: look, work, look again.

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

/// How often an instance looks unasked: for what others enqueued, what is due again, what a dead instance left.
const PERIOD: Duration = Duration::from_millis(500);

/// How many pieces of work of one queue an instance does at a time.
const MOST_OF_A_QUEUE: usize = 2;

/// How many pieces of work an instance does at a time.
const MOST_AT_ONCE: usize = 128;

/// Has work done. Cheap to clone; a wake reaches the loops of all clones.
#[derive(Clone, Debug)]
pub struct Outbox {
    database: Database,
    wakes: Arc<watch::Sender<()>>,
}

impl Outbox {
    /// Over the database in which work is enqueued.
    pub fn new(database: Database) -> Self {
        Self {
            database,
            wakes: Arc::new(watch::Sender::new(())),
        }
    }

    /// Has this instance look at once: after the commit of a transaction that enqueued.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn wake(&self) {
        self.wakes.send_replace(());
    }

    /// Has `worker` do the work of its kind, until aborted. What is under way then is repeated after its lease.
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

/// Tells of a database that went away or came back, once each.
fn note_change(is_away: &mut bool, found: &db::Result<Found>) {
    match found {
        Err(error) if !*is_away => tracing::warn!(%error, "can't poll for jobs"),
        Ok(_) if *is_away => tracing::warn!("polling for jobs again"),
        Ok(_) | Err(_) => {}
    }
    *is_away = found.is_err();
}

/// The attempts of this loop, each with its queue. Dropped, they are broken off.
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

    /// Waits until an attempt ends; for ever when none is under way.
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
