//! The pools, and the two ways to use them: [`Database::read`] and [`Database::write`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::ConnectionError;
use diesel::r2d2::{ManageConnection, Pool, PooledConnection, R2D2Connection};
use scheduled_thread_pool::ScheduledThreadPool;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::Connection;
use super::error::Error;
use super::slow;
use crate::base::clock::{Clock, Stopwatch, Timestamp};
use crate::base::faults::{Cut, Faults};

/// The database. Cheap to clone; every clone shares the pools.
#[derive(Clone)]
pub struct Database {
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    manager: Manager,
    places: Arc<Semaphore>,
    timeout: Duration,
    clock: Clock,
    faults: Faults,
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

/// A connection of the pool, and when it last did something.
struct Pooled {
    connection: Connection,
    used: Stopwatch,
}

/// Connections that read an SQLite file.
const READERS: u32 = 4;

/// A connection that rested longer than this is asked whether it still lives before it is used.
const REST: Duration = Duration::from_secs(1);

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
            used: Stopwatch::start(),
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
    /// PostgreSQL, with `pool_size` connections. Connects lazily.
    pub fn postgres(url: &SecretString, pool_size: u32, timeout: Duration, clock: Clock) -> Self {
        let manager = Manager {
            address: Address::Postgres(Arc::new(url.clone())),
            timeout,
        };
        let pool = pool(manager.clone(), pool_size, timeout);
        Self {
            manager,
            places: places(pool_size),
            readers: pool.clone(),
            writers: pool,
            timeout,
            clock,
            faults: Faults::default(),
        }
    }

    /// An SQLite file: several readers, one writer (faster than four that wait for each other).
    ///
    /// # Errors
    /// When the file can't be made.
    pub fn sqlite(path: &str, timeout: Duration, clock: Clock) -> super::Result<Self> {
        // Two connections that turn a new file to write-ahead logging at once refuse each other: the first does it alone.
        Connection::sqlite(path, timeout).map_err(|error| Error::Away(error.to_string()))?;
        let manager = Manager {
            address: Address::Sqlite(path.into()),
            timeout,
        };
        Ok(Self {
            readers: pool(manager.clone(), READERS, timeout),
            writers: pool(manager.clone(), 1, timeout),
            manager,
            places: places(READERS),
            timeout,
            clock,
            faults: Faults::default(),
        })
    }

    /// The same database, with reads and writes that fail as `faults` says.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// Runs a use case that changes nothing, on a blocking thread.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Away`] when the database does not answer within its timeout.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let cut = self.step()?;
        let pool = self.readers.clone();
        let read = self.bounded(Commit::default(), move |deadline| {
            deadline.check()?;
            work(&mut check_out(&pool)?.connection)
        });
        let found = read.await?;
        match cut {
            None => Ok(found),
            Some(_) => Err(Error::Away("cut off: the response was lost".into()).into()),
        }
    }

    /// Runs a use case as one transaction, on a blocking thread: committed when `work` returns `Ok`, undone otherwise.
    ///
    /// # Errors
    /// What `work` returns; [`Error::Away`], also for one too slow for its instant: nothing was changed; or
    /// [`Error::InDoubt`]: whether it was committed is not known.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let cut = self.step()?;
        let pool = self.writers.clone();
        let committing = Commit::default();
        let commit_begins = committing.clone();
        let write = self.bounded(committing, move |deadline| {
            let mut pooled = check_out(&pool)?;
            let conn = &mut pooled.connection;
            deadline.check()?;
            begin(conn)?;
            slow::begin();
            // What was given up must not happen later: a change of long ago could undo one that was acknowledged since.
            let result = work(conn).and_then(|value| {
                commit_begins.begin();
                deadline.check()?;
                slow::check()?;
                Ok(value)
            });
            match result {
                Ok(value) => {
                    commit(conn)?;
                    slow::committed();
                    Ok(value)
                }
                Err(error) => {
                    // A failed rollback breaks the connection, and the pool drops it: nothing is left half done.
                    roll_back(conn).ok();
                    Err(error)
                }
            }
        });
        let written = write.await?;
        match cut {
            None => Ok(written),
            Some(_) => Err(Error::InDoubt("cut off: the response was lost".into()).into()),
        }
    }

    /// Whether an injected fault lets this operation run, and how its result gets lost.
    fn step(&self) -> Result<Option<Cut>, Error> {
        match self.faults.next() {
            Some(Cut::Refused) => Err(Error::Away("cut off".into())),
            cut => Ok(cut),
        }
    }

    /// Runs `work` on a connection of its own, outside the pool and without a bound, closed afterwards: for migrations.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Away`].
    pub(super) async fn apart<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let manager = self.manager.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut pooled = manager
                .connect()
                .map_err(|error| Error::Away(error.to_string()))?;
            work(&mut pooled.connection)
        });
        match task.await {
            Ok(result) => result,
            Err(panic) => Err(Error::Refused(panic.to_string()).into()),
        }
    }

    /// The database's clock: what orders changes. On SQLite it is this machine's, which is the database's. A transaction asks
    /// after it took the locks that order it: what waited for another bears a later instant, and must commit soon after it
    /// ([`super::SEEN_WITHIN`]).
    pub fn now(&self, conn: &mut Connection) -> super::Result<Timestamp> {
        slow::look();
        super::portable::now(conn, &self.clock)
    }

    /// Runs blocking work within twice the timeout: one wait for a place, one for the work. As many wait as may work, times
    /// [`QUEUE`]; whoever comes then is told at once, instead of filling every thread of the process while a store hangs.
    async fn bounded<T, E, F>(&self, commit: Commit, work: F) -> Result<T, E>
    where
        F: FnOnce(Deadline) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let deadline = Deadline {
            since: Stopwatch::start(),
            bound: self.timeout.saturating_mul(2),
        };
        let place = tokio::time::timeout(self.timeout, self.places.clone().acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(Error::Away("too many requests are waiting for it".into()).into());
        };
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            span.in_scope(|| work(deadline))
        });
        match tokio::time::timeout(deadline.left(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::Refused(panic.to_string()).into()),
            Err(_) if commit.has_begun() => {
                Err(Error::InDoubt("the commit timed out".into()).into())
            }
            Err(_) => Err(Error::Away("timed out".into()).into()),
        }
    }
}

/// Whether a transaction has reached its commit: from then on, a missing response does not mean that nothing was changed.
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

/// How many wait for each connection at the most, the one that uses it included.
const QUEUE: usize = 8;

/// Until when somebody waits for the answer.
#[derive(Clone, Copy)]
struct Deadline {
    since: Stopwatch,
    bound: Duration,
}

impl Deadline {
    fn left(self) -> Duration {
        self.bound.saturating_sub(self.since.elapsed())
    }

    fn check(self) -> Result<(), Error> {
        if self.left().is_zero() {
            return Err(Error::Away("the caller is gone".into()));
        }
        Ok(())
    }
}

fn places(connections: u32) -> Arc<Semaphore> {
    let connections = usize::try_from(connections).unwrap_or(1);
    Arc::new(Semaphore::new(connections.saturating_mul(QUEUE)))
}

fn pool(manager: Manager, size: u32, timeout: Duration) -> Pool<Manager> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .thread_pool(Arc::new(ScheduledThreadPool::new(1)))
        .test_on_check_out(false)
        .connection_timeout(timeout)
        .error_handler(Box::new(Quiet))
        .build_unchecked(manager)
}

/// The pool's own reports of failed connections: the request that wanted one tells it.
#[derive(Debug)]
struct Quiet;

impl<E: std::fmt::Display> diesel::r2d2::HandleError<E> for Quiet {
    fn handle_error(&self, error: E) {
        tracing::debug!(%error, "can't connect to the database");
    }
}

/// Takes a connection that lives: one that rested is asked first, and a dead one gives way to the next.
fn check_out(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>, Error> {
    for _ in 0..=pool.max_size() {
        let mut pooled = pool.get().map_err(|error| Error::Away(error.to_string()))?;
        if pooled.used.elapsed() < REST || pooled.connection.ping().is_ok() {
            pooled.used = Stopwatch::start();
            return Ok(pooled);
        }
    }
    Err(Error::Away("no connection is open".into()))
}

fn begin(conn: &mut Connection) -> Result<(), Error> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    match conn {
        Connection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
        // A transaction that reads first and writes then would fail at once with "database is locked".
        Connection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
    }
    .map_err(Error::from)
}

fn commit(conn: &mut Connection) -> Result<(), Error> {
    use diesel::connection::TransactionManager;
    let committed =
        <Connection as diesel::Connection>::TransactionManager::commit_transaction(conn);
    committed.map_err(|error| match Error::from(error) {
        Error::Away(cause) => Error::InDoubt(cause),
        refused => refused,
    })
}

fn roll_back(conn: &mut Connection) -> Result<(), Error> {
    use diesel::connection::TransactionManager;
    <Connection as diesel::Connection>::TransactionManager::rollback_transaction(conn)
        .map_err(Error::from)
}
