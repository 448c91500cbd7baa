//! The outbox: work is delivered after its commit, retried, finally given up, and never delayed by other targets.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::prelude::*;
use doorward::base::clock::Timestamp;
use doorward::base::ids::WorkId;
use doorward::db::schema::outbox as rows;
use doorward::db::{self, Connection};
use doorward::outbox::{self, AttemptResult, NewWork, Outbox, Work, Worker};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::on_both;
use crate::support::postgres::{Postgres, PostgresOptions};
use crate::support::process::wait_until;
use crate::support::redis::Redis;
use crate::support::test_server::{TestServer, runtime};

/// Shorter than any attempt or lease, so that no test passes by waiting for one to end.
const SOON: Duration = Duration::from_secs(15);

const KIND: &str = "test";

/// Records all attempts that began.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Work>>>);

impl Seen {
    fn all(&self) -> Vec<Work> {
        self.0.lock().expect("a lock").clone()
    }

    fn of(&self, queue: &str) -> usize {
        let all = self.all();
        all.iter().filter(|work| work.queue == queue).count()
    }

    fn await_count(&self, queue: &str, count: usize) {
        wait_until(&format!("{count} of {queue}"), SOON, || {
            self.of(queue) >= count
        });
    }
}

type Answer = Arc<dyn Fn(&Work) -> AttemptResult + Send + Sync>;

/// Responds as configured; in queues named `dead…` only after the gate opens.
#[derive(Clone)]
struct TestWorker {
    seen: Seen,
    released: watch::Sender<bool>,
    answer: Answer,
}

impl Worker for TestWorker {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn work(&self, work: Work) -> AttemptResult {
        self.seen.0.lock().expect("a lock").push(work.clone());
        if work.queue.starts_with("dead") {
            let mut released = self.released.subscribe();
            released
                .wait_for(|is_open| *is_open)
                .await
                .expect("the sender exists");
        }
        (self.answer)(&work)
    }
}

fn worker(answer: impl Fn(&Work) -> AttemptResult + Send + Sync + 'static) -> TestWorker {
    TestWorker {
        seen: Seen::default(),
        released: watch::Sender::new(false),
        answer: Arc::new(answer),
    }
}

/// The delivery loop of an instance, aborted when dropped.
struct Instance {
    outbox: Outbox,
    task: JoinHandle<()>,
}

impl Instance {
    fn start(server: &TestServer, worker: &TestWorker) -> Self {
        let outbox = Outbox::new(server.app.database.clone());
        let (looping, worker) = (outbox.clone(), worker.clone());
        let task = runtime().spawn(async move { looping.run(worker).await });
        Self { outbox, task }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn write<T: Send + 'static>(
    server: &TestServer,
    work: impl FnOnce(&mut Connection, Timestamp) -> db::Result<T> + Send + 'static,
) -> db::Result<T> {
    let database = server.app.database.clone();
    server.run(server.app.database.write(move |conn| {
        let now = database.now(conn)?;
        work(conn, now)
    }))
}

fn new_work(queue: &str) -> NewWork {
    NewWork {
        kind: KIND,
        queue: queue.to_owned(),
        payload: json!({ "for": queue }),
    }
}

fn enqueue(server: &TestServer, queue: &str, count: usize) -> Vec<WorkId> {
    let queue = queue.to_owned();
    let ids = write(server, move |conn, now| {
        (0..count)
            .map(|_| outbox::enqueue(conn, now, new_work(&queue)))
            .collect()
    });
    ids.expect("enqueued")
}

/// Returns the number of attempts of a row, and whether it is leased.
fn row(server: &TestServer, id: WorkId) -> Option<(i64, bool)> {
    let row = write(server, move |conn, _| {
        let query = rows::table.find(id);
        let query = query.select((rows::attempts, rows::leased_until));
        let row = query.first::<(i64, Option<Timestamp>)>(conn).optional();
        Ok(row?)
    });
    row.expect("a result")
        .map(|(attempts, leased_until)| (attempts, leased_until.is_some()))
}

fn await_empty(server: &TestServer) {
    wait_until("nothing is left to do", SOON, || {
        let count = write(server, |conn, _| {
            Ok(rows::table.count().get_result(conn)?)
        });
        count.is_ok_and(|count: i64| count == 0)
    });
}

/// Simulates the passage of time: waiting work is due, and leases have expired.
fn let_time_pass(server: &TestServer) {
    let moved = write(server, |conn, now| {
        let earlier = now.before(Duration::from_secs(1));
        diesel::update(rows::table.filter(rows::due_at.gt(earlier)))
            .set(rows::due_at.eq(earlier))
            .execute(conn)?;
        diesel::update(rows::table.filter(rows::leased_until.is_not_null()))
            .set(rows::leased_until.eq(Some(earlier)))
            .execute(conn)?;
        Ok(())
    });
    moved.expect("moved");
}

on_both! {
    fn twenty_instances_process_each_of_twenty_rows_once(server) {
        for queue in 0..4 {
            enqueue(server, &format!("queue {queue}"), 5);
        }
        let worker = worker(|_| AttemptResult::Done);
        let instances: Vec<Instance> =
            (0..20).map(|_| Instance::start(server, &worker)).collect();
        await_empty(server);
        let seen = worker.seen.all();
        let ids: BTreeSet<WorkId> = seen.iter().map(|work| work.id).collect();
        assert_eq!((seen.len(), ids.len(), instances.len()), (20, 20, 20));
        assert!(seen.iter().all(|work| work.attempts == 1 && work.payload == json!({ "for": work.queue })));
    }

    fn a_rolled_back_transaction_leaves_no_work(server) {
        let undone = write(server, |conn, now| {
            outbox::enqueue(conn, now, new_work("queue"))?;
            Err::<(), _>(db::Error::Internal("undone".into()))
        });
        assert!(undone.is_err());
        let worker = worker(|_| AttemptResult::Done);
        let instance = Instance::start(server, &worker);
        enqueue(server, "other", 1);
        instance.outbox.wake();
        await_empty(server);
        assert_eq!((worker.seen.of("queue"), worker.seen.of("other")), (0, 1));
    }

    fn work_of_a_crashed_instance_is_repeated_after_its_lease(server) {
        let id = enqueue(server, "dead", 1)[0];
        let first = worker(|_| AttemptResult::Done);
        let killed = Instance::start(server, &first);
        first.seen.await_count("dead", 1);
        drop(killed);
        let second = worker(|_| AttemptResult::Done);
        second.released.send_replace(true);
        let _instance = Instance::start(server, &second);
        // The instance polls, but leaves work alone that another still leases.
        enqueue(server, "other", 1);
        second.seen.await_count("other", 1);
        assert_eq!(row(server, id), Some((1, true)));
        assert_eq!(second.seen.of("dead"), 0);
        let_time_pass(server);
        await_empty(server);
        let seen = second.seen.all();
        let repeated = seen.iter().find(|work| work.id == id).expect("repeated");
        assert_eq!(repeated.attempts, 2);
    }

    fn a_worker_whose_lease_expired_changes_nothing(server) {
        let ids = enqueue(server, "dead", 2);
        let slow = worker(|_| AttemptResult::Done);
        let _slow = Instance::start(server, &slow);
        slow.seen.await_count("dead", 2);
        let_time_pass(server);
        let other = worker(|_| AttemptResult::Done);
        let killed = Instance::start(server, &other);
        other.seen.await_count("dead", 2);
        drop(killed);
        // The slow worker takes further work only after it has stored the results of its first two attempts.
        enqueue(server, "dead", 1);
        slow.released.send_replace(true);
        slow.seen.await_count("dead", 3);
        for id in ids {
            assert_eq!(row(server, id), Some((2, true)));
        }
    }

    fn failed_work_is_tried_twelve_times_and_knows_its_last_attempt(server) {
        let id = enqueue(server, "queue", 1)[0];
        let worker = worker(|_| AttemptResult::Retry { reason: "a test".into() });
        let instance = Instance::start(server, &worker);
        wait_until("the first attempt is over", SOON, || {
            row(server, id).is_some_and(|(attempts, is_leased)| attempts > 0 && !is_leased)
        });
        wait_until("the last attempt is over", Duration::from_secs(60), || {
            let is_waiting = row(server, id).is_some_and(|(_, is_leased)| !is_leased);
            if is_waiting {
                let_time_pass(server);
                instance.outbox.wake();
            }
            row(server, id).is_none()
        });
        let seen = worker.seen.all();
        let attempts: Vec<(u32, bool)> =
            seen.iter().map(|work| (work.attempts, work.is_last_attempt())).collect();
        let expected: Vec<(u32, bool)> = (1..=12).map(|n| (n, n == 12)).collect();
        assert_eq!(attempts, expected);
    }

    fn failed_work_is_retried_after_a_delay(server) {
        let id = enqueue(server, "queue", 1)[0];
        let worker = worker(|work| match work.attempts {
            1..=9 => AttemptResult::Retry { reason: "a test".into() },
            _ => AttemptResult::Done,
        });
        let set_attempts = write(server, move |conn, _| {
            diesel::update(rows::table.find(id)).set(rows::attempts.eq(8)).execute(conn)?;
            Ok(())
        });
        set_attempts.expect("set");
        let _instance = Instance::start(server, &worker);
        wait_until("the ninth attempt is over", SOON, || row(server, id) == Some((9, false)));
        let pause = write(server, move |conn, now| {
            let due_at = rows::table.find(id).select(rows::due_at);
            Ok(due_at.first::<Timestamp>(conn)?.since(now).as_secs())
        });
        let pause = pause.expect("a pause");
        assert!((200..=256).contains(&pause), "{pause}");
        // Other work is done, but this is not.
        enqueue(server, "queue", 1);
        worker.seen.await_count("queue", 2);
        assert_eq!(row(server, id), Some((9, false)));
    }

    fn abandoned_work_is_deleted(server) {
        enqueue(server, "queue", 3);
        let worker = worker(|_| AttemptResult::Abandoned);
        let _instance = Instance::start(server, &worker);
        await_empty(server);
        assert_eq!(worker.seen.all().len(), 3);
    }

    fn an_unresponsive_target_with_a_thousand_rows_does_not_delay_others(server) {
        enqueue(server, "dead", 1_000);
        let worker = worker(|_| AttemptResult::Done);
        let instance = Instance::start(server, &worker);
        worker.seen.await_count("dead", 2);
        for round in 0..3 {
            enqueue(server, "live", 5);
            instance.outbox.wake();
            worker.seen.await_count("live", 5 * (round + 1));
        }
        assert_eq!(worker.seen.of("dead"), 2, "two items of a queue at a time");
    }

    fn forty_unresponsive_targets_do_not_delay_others(server) {
        for queue in 0..40 {
            enqueue(server, &format!("dead {queue}"), 3);
        }
        let worker = worker(|_| AttemptResult::Done);
        let _instance = Instance::start(server, &worker);
        enqueue(server, "live", 1);
        worker.seen.await_count("live", 1);
        wait_until("each has its two", SOON, || worker.seen.all().len() == 81);
    }

    fn a_worker_takes_only_its_own_kind_of_work(server) {
        let foreign = write(server, |conn, now| {
            outbox::enqueue(conn, now, NewWork { kind: "foreign", ..new_work("queue") })
        });
        let worker = worker(|_| AttemptResult::Done);
        let _instance = Instance::start(server, &worker);
        enqueue(server, "queue", 1);
        worker.seen.await_count("queue", 1);
        assert_eq!(row(server, foreign.expect("enqueued")), Some((0, false)));
        assert!(worker.seen.all().iter().all(|work| work.kind == KIND));
    }

    fn work_is_retried_after_a_panic(server) {
        let id = enqueue(server, "queue", 1)[0];
        let worker = worker(|work| match work.attempts {
            1 => panic!("as the test wants it"),
            _ => AttemptResult::Done,
        });
        let _instance = Instance::start(server, &worker);
        worker.seen.await_count("queue", 1);
        assert_eq!(row(server, id), Some((1, true)));
        let_time_pass(server);
        await_empty(server);
        assert_eq!(worker.seen.of("queue"), 2);
    }

    fn work_that_crashes_every_process_is_finally_removed(server) {
        let id = enqueue(server, "queue", 1)[0];
        let set_attempts = write(server, move |conn, _| {
            diesel::update(rows::table.find(id)).set(rows::attempts.eq(15)).execute(conn)?;
            Ok(())
        });
        set_attempts.expect("set");
        let worker = worker(|_| AttemptResult::Done);
        let _instance = Instance::start(server, &worker);
        await_empty(server);
        assert_eq!(worker.seen.all().len(), 0);
    }
}

#[test]
fn work_is_delivered_after_a_database_outage() {
    let mut postgres = Postgres::start(PostgresOptions::default());
    postgres.create_database("doorward");
    let redis = Redis::shared().fresh_url();
    let server = TestServer::on(&postgres.url("doorward"), &redis, |config| {
        config.database.timeout = Duration::from_millis(1500);
    });
    let worker = worker(|_| AttemptResult::Done);
    let _instance = Instance::start(&server, &worker);
    enqueue(&server, "before", 1);
    worker.seen.await_count("before", 1);
    postgres.kill();
    assert!(write(&server, |_, _| Ok(())).is_err());
    postgres.restart();
    wait_until("the database is back", SOON, || {
        write(&server, |_, _| Ok(())).is_ok()
    });
    enqueue(&server, "after", 1);
    worker.seen.await_count("after", 1);
    await_empty(&server);
}
