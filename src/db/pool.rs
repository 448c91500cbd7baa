//! Connection pools and their use: [`Database::read`] and [`Database::write`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::ConnectionError;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::{ManageConnection, Pool, PooledConnection, R2D2Connection};
use scheduled_thread_pool::ScheduledThreadPool;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::Connection;
use super::commit_deadline;
use super::error::Error;
use crate::base::clock::{Clock, Stopwatch, Timestamp};
use crate::base::fault_injection::{FaultInjector, InjectedFault};

/// The database. Cheap to clone; clones share the pools.
#[derive(Clone)]
pub struct Database {
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    manager: Manager,
    permits: Arc<Semaphore>,
    timeout: Duration,
    clock: Clock,
    fault_injector: FaultInjector,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Database")
    }
}

#[derive(Clone)]
enum Address {
    Postgres(Arc<SecretString>),
    Sqlite(Arc<str>),
}

#[derive(Clone)]
struct Manager {
    address: Address,
    timeout: Duration,
}

/// A pooled connection, and when it was last used.
struct Pooled {
    connection: Connection,
    last_used: Stopwatch,
}

/// Number of connections that read an SQLite file.
const READERS: u32 = 4;

/// A connection that was idle for longer is tested before use.
const MAX_IDLE_WITHOUT_PING: Duration = Duration::from_secs(1);

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Pooled, ConnectionError> {
        let connection = match &self.address {
            Address::Postgres(url) => Connection::postgres(url.expose_secret(), self.timeout),
            Address::Sqlite(path) => Connection::sqlite(path, self.timeout),
        }?;
        Ok(Pooled {
            connection,
            last_used: Stopwatch::start(),
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), ConnectionError> {
        pooled
            .connection
            .ping()
            .map_err(ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking() || pooled.connection.is_broken()
    }
}

impl Database {
    /// Creates a pool of `pool_size` connections to PostgreSQL. Connects lazily.
    pub fn postgres(url: &SecretString, pool_size: u32, timeout: Duration, clock: Clock) -> Self {
        let manager = Manager {
            address: Address::Postgres(Arc::new(url.clone())),
            timeout,
        };
        let pool = pool(manager.clone(), pool_size, timeout);
        Self {
            manager,
            permits: permits(pool_size),
            readers: pool.clone(),
            writers: pool,
            timeout,
            clock,
            fault_injector: FaultInjector::default(),
        }
    }

    /// Opens an SQLite file with several readers and one writer, which is faster than four writers that block each other.
    pub fn sqlite(path: &str, timeout: Duration, clock: Clock) -> super::Result<Self> {
        // Connections that switch a new file to write-ahead logging concurrently fail, so one connection does it first.
        Connection::sqlite(path, timeout).map_err(|error| Error::Unavailable(error.to_string()))?;
        let manager = Manager {
            address: Address::Sqlite(path.into()),
            timeout,
        };
        Ok(Self {
            readers: pool(manager.clone(), READERS, timeout),
            writers: pool(manager.clone(), 1, timeout),
            manager,
            permits: permits(READERS),
            timeout,
            clock,
            fault_injector: FaultInjector::default(),
        })
    }

    /// Returns the same database with fault injection by `fault_injector`.
    #[must_use]
    pub fn with_fault_injector(self, fault_injector: FaultInjector) -> Self {
        Self {
            fault_injector,
            ..self
        }
    }

    /// Runs a read-only use case on a blocking thread.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let fault = self.inject_fault()?;
        let pool = self.readers.clone();
        let read = self.run_with_timeout(Commit::default(), move |deadline| {
            deadline.check()?;
            work(&mut check_out(&pool)?.connection)
        });
        let found = read.await?;
        match fault {
            None => Ok(found),
            Some(_) => Err(Error::Unavailable("cut off: the response was lost".into()).into()),
        }
    }

    /// Runs a use case as one transaction on a blocking thread: committed if `work` returns `Ok`, rolled back otherwise.
    ///
    /// # Errors
    /// What `work` returns; [`Error::Unavailable`] if nothing was changed, also because the transaction took too long for its timestamp;
    /// or [`Error::CommitUnknown`] if it is unknown whether the transaction was committed.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let fault = self.inject_fault()?;
        let pool = self.writers.clone();
        let commit_state = Commit::default();
        let commit_begins = commit_state.clone();
        let write = self.run_with_timeout(commit_state, move |deadline| {
            let mut pooled = check_out(&pool)?;
            let conn = &mut pooled.connection;
            deadline.check()?;
            begin(conn)?;
            commit_deadline::begin();
            // A transaction that was reported as failed must not be committed later: it could overwrite
            // changes acknowledged since.
            let result = work(conn).and_then(|value| {
                commit_begins.begin();
                deadline.check()?;
                commit_deadline::check()?;
                Ok(value)
            });
            match result {
                Ok(value) => {
                    commit(conn)?;
                    commit_deadline::warn_if_late();
                    Ok(value)
                }
                Err(error) => {
                    // A failed rollback breaks the connection, and the pool drops it, so nothing is left half done.
                    Transactions::rollback_transaction(conn).ok();
                    Err(error)
                }
            }
        });
        let written = write.await?;
        match fault {
            None => Ok(written),
            Some(_) => Err(Error::CommitUnknown("cut off: the response was lost".into()).into()),
        }
    }

    /// Returns whether an injected fault loses the result of this operation; fails if the fault prevents the operation.
    fn inject_fault(&self) -> Result<Option<InjectedFault>, Error> {
        match self.fault_injector.next() {
            Some(InjectedFault::NotRun) => Err(Error::Unavailable("cut off".into())),
            fault => Ok(fault),
        }
    }

    /// Runs `work` on a connection of its own, outside the pool and without a time limit, and closes the
    /// connection: for migrations.
    pub(super) async fn run_outside_pool<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let manager = self.manager.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut pooled = manager
                .connect()
                .map_err(|error| Error::Unavailable(error.to_string()))?;
            work(&mut pooled.connection)
        });
        match task.await {
            Ok(result) => result,
            Err(panic) => Err(Error::Internal(panic.to_string()).into()),
        }
    }

    /// Returns the database's current time, which orders changes; with SQLite that is this machine's clock. A transaction calls
    /// this after it has acquired the locks that order it, so that a transaction that waited for another has a later timestamp,
    /// and it must commit soon afterwards ([`super::VISIBLE_WITHIN`]).
    pub fn now(&self, conn: &mut Connection) -> super::Result<Timestamp> {
        commit_deadline::note_clock_read();
        super::portable::now(conn, &self.clock)
    }

    /// Runs blocking work within twice the timeout: once for the wait for a semaphore permit, once for the work. At most
    /// [`MAX_WAITING_PER_CONNECTION`] requests per connection may wait or run; further requests wait for a permit and fail after the timeout, so that
    /// a hanging database doesn't block every thread of the process.
    async fn run_with_timeout<T, E, F>(&self, commit: Commit, work: F) -> Result<T, E>
    where
        F: FnOnce(Deadline) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let deadline = Deadline {
            since: Stopwatch::start(),
            timeout: self.timeout.saturating_mul(2),
        };
        let permit = tokio::time::timeout(self.timeout, self.permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(Error::Unavailable("too many requests are waiting for it".into()).into());
        };
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            span.in_scope(|| work(deadline))
        });
        match tokio::time::timeout(deadline.left(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::Internal(panic.to_string()).into()),
            Err(_) if commit.has_begun() => {
                Err(Error::CommitUnknown("the commit timed out".into()).into())
            }
            Err(_) => Err(Error::Unavailable("timed out".into()).into()),
        }
    }
}

/// Whether a transaction has reached its commit. From then on, a missing response doesn't mean that nothing was changed.
#[derive(Clone, Debug, Default)]
struct Commit(Arc<AtomicBool>);

impl Commit {
    /// Called before the deadline is checked for the last time.
    fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Maximum number of operations that wait for or use each connection.
const MAX_WAITING_PER_CONNECTION: usize = 8;

/// How long the caller waits for the result.
#[derive(Clone, Copy)]
struct Deadline {
    since: Stopwatch,
    timeout: Duration,
}

impl Deadline {
    fn left(self) -> Duration {
        self.timeout.saturating_sub(self.since.elapsed())
    }

    fn check(self) -> Result<(), Error> {
        if self.left().is_zero() {
            return Err(Error::Unavailable("the caller is gone".into()));
        }
        Ok(())
    }
}

fn permits(connections: u32) -> Arc<Semaphore> {
    let connections = usize::try_from(connections).unwrap_or(1);
    Arc::new(Semaphore::new(
        connections.saturating_mul(MAX_WAITING_PER_CONNECTION),
    ))
}

fn pool(manager: Manager, size: u32, timeout: Duration) -> Pool<Manager> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .thread_pool(Arc::new(ScheduledThreadPool::new(1)))
        .test_on_check_out(false)
        .connection_timeout(timeout)
        .error_handler(Box::new(DebugErrorHandler))
        .build_unchecked(manager)
}

/// Logs the pool's connection errors at debug level only, because the request that needed the connection reports them.
#[derive(Debug)]
struct DebugErrorHandler;

impl<E: std::fmt::Display> diesel::r2d2::HandleError<E> for DebugErrorHandler {
    fn handle_error(&self, error: E) {
        tracing::debug!(%error, "can't connect to the database");
    }
}

/// Checks out a working connection: one that was idle is tested first, and a broken one is replaced by the next.
fn check_out(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>, Error> {
    for _ in 0..=pool.max_size() {
        let mut pooled = pool
            .get()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        if pooled.last_used.elapsed() < MAX_IDLE_WITHOUT_PING || pooled.connection.ping().is_ok() {
            pooled.last_used = Stopwatch::start();
            return Ok(pooled);
        }
    }
    Err(Error::Unavailable("no connection is open".into()))
}

fn begin(conn: &mut Connection) -> Result<(), Error> {
    match conn {
        Connection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
        // A deferred transaction that reads before it writes could fail immediately with "database is locked".
        Connection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
    }
    .map_err(Error::from)
}

type Transactions = <Connection as diesel::Connection>::TransactionManager;

fn commit(conn: &mut Connection) -> Result<(), Error> {
    Transactions::commit_transaction(conn).map_err(|error| match Error::from(error) {
        Error::Unavailable(cause) => Error::CommitUnknown(cause),
        refused => refused,
    })
}
