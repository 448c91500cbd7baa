//! The writer thread. Writes that are queued while it works are committed in one transaction (group commit): a hundred small
//! writes cost little more than one, and a write is acknowledged only after its commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tokio::sync::oneshot;

use super::{StoreUnavailable, unavailable};

/// Maximum number of writes in a transaction, because the first waits for the last.
const MAX_BATCH: usize = 64;

/// Sends the result to the caller.
type Reply = Box<dyn FnOnce() + Send>;
/// Runs a write; returns `None` without writing if the caller no longer waits.
type Job = Box<dyn FnOnce(&mut SqliteConnection) -> Option<Reply> + Send>;

/// Sends writes to the thread, which ends when all clones are dropped.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: Sender<Job>,
    timeout: Duration,
}

impl Writer {
    /// Moves the connection to a thread of its own.
    pub(super) fn start(
        mut conn: SqliteConnection,
        timeout: Duration,
    ) -> Result<Self, StoreUnavailable> {
        let (jobs, queue) = mpsc::channel();
        let work = move || {
            while let Some(jobs) = next(&queue) {
                write_all(&mut conn, jobs);
            }
        };
        let thread = thread::Builder::new().name("ephemeral-write".into());
        thread.spawn(work).map_err(unavailable)?;
        Ok(Self { jobs, timeout })
    }

    /// Runs a write and returns when it is committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreUnavailable> {
        let (outcome, waiting) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            if outcome.is_closed() {
                return None;
            }
            let done = work(conn);
            Some(Box::new(move || drop(outcome.send(done))))
        });
        self.jobs.send(job).map_err(unavailable)?;
        match tokio::time::timeout(self.timeout, waiting).await {
            Ok(Ok(done)) => done.map_err(unavailable),
            Ok(Err(_)) => Err(StoreUnavailable("the embedded store can't write".into())),
            Err(_) => Err(StoreUnavailable("timed out".into())),
        }
    }
}

/// Waits for writes and returns those in the queue; `None` if every sender is dropped.
fn next(queue: &Receiver<Job>) -> Option<Vec<Job>> {
    let first = queue.recv().ok()?;
    let others = queue.try_iter().take(MAX_BATCH - 1);
    Some(std::iter::once(first).chain(others).collect())
}

/// Runs the writes in one transaction. If that fails as a whole, no replies are sent, and the callers get an error.
fn write_all(conn: &mut SqliteConnection, jobs: Vec<Job>) {
    // Needed even for one write: without an explicit commit whose result is checked, a returned row may not have been written.
    if let Err(error) = conn.batch_execute("begin immediate") {
        tracing::warn!(%error, "can't write the embedded store");
        return;
    }
    // A failed statement undoes only its own changes.
    let run = |job: Job| catch_unwind(AssertUnwindSafe(|| job(conn))).ok().flatten();
    let replies: Vec<Reply> = jobs.into_iter().filter_map(run).collect();
    if let Err(error) = conn.batch_execute("commit") {
        tracing::warn!(%error, "the embedded store can't commit");
        // Fails if SQLite has already rolled back.
        drop(conn.batch_execute("rollback"));
        return;
    }
    for reply in replies {
        reply();
    }
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::BigInt;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }

    fn store() -> (tempfile::TempDir, String, Writer) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db").display().to_string();
        let mut conn = SqliteConnection::establish(&path).expect("a file");
        conn.batch_execute(
            "pragma journal_mode = wal;
             create table single (n integer primary key);
             create table child (n integer references single (n) deferrable initially deferred);
             insert into single values (1); pragma foreign_keys = on;",
        )
        .expect("tables");
        let writer = Writer::start(conn, TIMEOUT).expect("a thread");
        (folder, path, writer)
    }

    fn rows(path: &str, table: &str) -> Vec<i64> {
        let mut conn = SqliteConnection::establish(path).expect("a file");
        let rows = diesel::sql_query(format!("select n from {table}")).load::<Row>(&mut conn);
        rows.expect("rows").into_iter().map(|row| row.n).collect()
    }

    /// A deferred constraint fails at the commit, as a full disk does.
    #[tokio::test]
    async fn an_uncommitted_write_is_not_stored() {
        let (_folder, path, writer) = store();
        let taken = writer.write(|conn| {
            diesel::sql_query("insert into child values (7) returning n").get_result::<Row>(conn)
        });
        assert!(taken.await.is_err());
        assert_eq!(rows(&path, "child"), Vec::<i64>::new());
        let kept = writer.write(|conn| {
            diesel::sql_query("insert into child values (1) returning n").get_result::<Row>(conn)
        });
        assert_eq!(kept.await.expect("a row").n, 1);
        assert_eq!(rows(&path, "child"), [1]);
    }

    #[tokio::test]
    async fn a_failed_or_panicking_job_does_not_affect_others() {
        let (_folder, path, writer) = store();
        let insert = |n: i64| {
            writer.write(move |conn| {
                diesel::sql_query(format!("insert into single values ({n})")).execute(conn)
            })
        };
        let panics = writer.write(|_| -> QueryResult<()> { panic!("on purpose") });
        let (twice, panics, good) = tokio::join!(insert(1), panics, insert(2));
        assert!(twice.is_err() && panics.is_err());
        assert_eq!(good.expect("a row"), 1);
        assert_eq!(rows(&path, "single"), [1, 2]);
    }

    #[tokio::test]
    async fn a_cancelled_job_is_not_run() {
        let (_folder, path, writer) = store();
        let (go_on, told) = mpsc::channel();
        let slow = writer.write(move |_| {
            told.recv_timeout(TIMEOUT).ok();
            Ok(())
        });
        let given_up = async {
            let late = writer
                .write(|conn| diesel::sql_query("insert into single values (3)").execute(conn));
            let late = tokio::time::timeout(Duration::from_millis(50), late).await;
            go_on.send(()).ok();
            late
        };
        let (slow, given_up) = tokio::join!(slow, given_up);
        assert!(slow.is_ok() && given_up.is_err());
        writer.write(|_| Ok(())).await.expect("an answer");
        assert_eq!(rows(&path, "single"), [1]);
    }
}
