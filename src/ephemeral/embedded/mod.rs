//! The embedded store: one SQLite file with one writer and a few readers. Expiry is checked against the clock.

mod writer;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use scheduled_thread_pool::ScheduledThreadPool;

use super::{StoreUnavailable, unavailable};
use crate::base::clock::Clock;
use writer::Writer;

diesel::table! {
    entries (key) {
        key -> Text,
        value -> Text,
        version -> BigInt,
        expires_at -> BigInt,
    }
}

const TABLE: &str = "create table if not exists entries (
    key text primary key not null,
    value text not null,
    version integer not null,
    expires_at integer not null
) strict, without rowid;
create index if not exists entries_by_expiry on entries (expires_at);";

const READERS: u32 = 4;

type ReaderPool = Pool<ConnectionManager<SqliteConnection>>;

#[derive(Clone)]
pub(super) struct Embedded {
    writer: Writer,
    readers: ReaderPool,
    timeout: Duration,
    clock: Clock,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Embedded")
    }
}

impl Embedded {
    pub(super) async fn open(
        path: PathBuf,
        timeout: Duration,
        clock: Clock,
    ) -> Result<Self, StoreUnavailable> {
        blocking(timeout, move || {
            let path = path.to_string_lossy().into_owned();
            let mut writer = SqliteConnection::establish(&path).map_err(unavailable)?;
            // The last moments before a power failure may be lost, because the data is ephemeral. A crash of the
            // process loses nothing.
            writer
                .batch_execute(&format!(
                    "pragma busy_timeout = {}; pragma journal_mode = wal; \
                     pragma synchronous = normal; pragma auto_vacuum = incremental; {TABLE}",
                    timeout.as_millis()
                ))
                .map_err(unavailable)?;
            let readers = Pool::builder()
                .max_size(READERS)
                .min_idle(Some(1))
                .thread_pool(Arc::new(ScheduledThreadPool::new(1)))
                .test_on_check_out(false)
                .connection_timeout(timeout)
                .build(ConnectionManager::new(&path))
                .map_err(unavailable)?;
            Ok(Self {
                writer: Writer::start(writer, timeout.saturating_mul(2))?,
                readers,
                timeout,
                clock,
            })
        })
        .await
    }

    pub(super) async fn put_all(
        &self,
        entries: &[(&str, &str)],
        ttl: Duration,
    ) -> Result<(), StoreUnavailable> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let entries: Vec<(String, String)> = entries.iter().map(owned).collect();
        let expires_at = self.expiry(ttl);
        self.writer
            .write(move |conn| {
                for (key, value) in entries {
                    diesel::replace_into(entries::table)
                        .values((
                            entries::key.eq(key),
                            entries::value.eq(value),
                            entries::version.eq(0),
                            entries::expires_at.eq(expires_at),
                        ))
                        .execute(conn)?;
                }
                Ok(())
            })
            .await
    }

    pub(super) async fn take(&self, key: &str) -> Result<Option<String>, StoreUnavailable> {
        let key = key.to_owned();
        let now = self.now();
        self.writer
            .write(move |conn| {
                let taken = diesel::delete(entries::table.find(key))
                    .returning((entries::value, entries::expires_at))
                    .get_result::<(String, i64)>(conn)
                    .optional()?;
                Ok(taken
                    .filter(|(_, expires_at)| *expires_at > now)
                    .map(|(value, _)| value))
            })
            .await
    }

    /// Reads on the calling thread: a read of a file that this process wrote recently takes less time than waking another thread
    /// and being woken by it. A blocking thread is used only when all connections are in use or the file is locked.
    pub(super) async fn get(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreUnavailable> {
        let now = self.now();
        if let Some(mut conn) = self.readers.try_get()
            && let Ok(found) = find(&mut conn, keys, now)
        {
            return Ok(found);
        }
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let readers = self.readers.clone();
        let wait = format!("pragma busy_timeout = {}", self.timeout.as_millis());
        blocking(self.timeout, move || {
            let mut conn = readers.get().map_err(unavailable)?;
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            // Only here may the connection wait for the file's lock.
            conn.batch_execute(&wait).map_err(unavailable)?;
            let found = find(&mut conn, &keys, now).map_err(unavailable);
            conn.batch_execute("pragma busy_timeout = 0")
                .map_err(unavailable)?;
            found
        })
        .await
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), StoreUnavailable> {
        let key = key.to_owned();
        self.writer
            .write(move |conn| {
                diesel::delete(entries::table.find(key)).execute(conn)?;
                Ok(())
            })
            .await
    }

    pub(super) async fn replace(
        &self,
        key: &str,
        old: &str,
        new: &str,
        ttl: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let (key, old, new) = (key.to_owned(), old.to_owned(), new.to_owned());
        let (now, expires_at) = (self.now(), self.expiry(ttl));
        self.writer
            .write(move |conn| {
                let replaced = diesel::update(entries::table.find(key))
                    // As with Redis, repeating the call is not an error.
                    .filter(entries::value.eq(&old).or(entries::value.eq(&new)))
                    .filter(entries::expires_at.gt(now))
                    .set((entries::value.eq(&new), entries::expires_at.eq(expires_at)))
                    .execute(conn)?;
                Ok(replaced == 1)
            })
            .await
    }

    pub(super) async fn count(&self, key: &str, ttl: Duration) -> Result<u64, StoreUnavailable> {
        let key = key.to_owned();
        let (now, expires_at) = (self.now(), self.expiry(ttl));
        self.writer
            .write(move |conn| {
                let count = diesel::sql_query(
                    "insert into entries (key, value, version, expires_at) values (?, '', 1, ?)
                 on conflict (key) do update set
                   version = iif(expires_at > ?, version + 1, 1),
                   expires_at = iif(expires_at > ?, expires_at, excluded.expires_at)
                 returning version",
                )
                .bind::<Text, _>(key)
                .bind::<BigInt, _>(expires_at)
                .bind::<BigInt, _>(now)
                .bind::<BigInt, _>(now)
                .get_result::<Count>(conn)?;
                Ok(u64::try_from(count.version).unwrap_or(0))
            })
            .await
    }

    pub(super) async fn store_newer(
        &self,
        key: &str,
        version: i64,
        value: &str,
        ttl: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let key = key.to_owned();
        let value = format!("{version}:{value}");
        let (now, expires_at) = (self.now(), self.expiry(ttl));
        self.writer.write(move |conn| {
            let stored = diesel::sql_query(
                "insert into entries (key, value, version, expires_at) values (?, ?, ?, ?)
                 on conflict (key) do update set
                   value = excluded.value, version = excluded.version, expires_at = excluded.expires_at
                 where version < excluded.version or expires_at <= ?",
            )
            .bind::<Text, _>(key)
            .bind::<Text, _>(value)
            .bind::<BigInt, _>(version)
            .bind::<BigInt, _>(expires_at)
            .bind::<BigInt, _>(now)
            .execute(conn)?;
            Ok(stored == 1)
        })
        .await
    }

    pub(super) async fn delete_expired(&self) -> Result<(), StoreUnavailable> {
        let now = self.now();
        self.writer
            .write(move |conn| {
                diesel::delete(entries::table.filter(entries::expires_at.le(now))).execute(conn)?;
                conn.batch_execute("pragma incremental_vacuum")
            })
            .await
    }

    fn now(&self) -> i64 {
        self.clock.now().as_micros()
    }

    fn expiry(&self, ttl: Duration) -> i64 {
        self.clock.now().after(ttl).as_micros()
    }
}

/// Reads the values of keys in one snapshot, as Redis does.
fn find(conn: &mut SqliteConnection, keys: &[&str], now: i64) -> QueryResult<Vec<Option<String>>> {
    let [first, others @ ..] = keys else {
        return Ok(Vec::new());
    };
    // A single statement reads one snapshot. The keys are padded to a power of two, so that few statements need to be prepared.
    let length = keys.len().next_power_of_two();
    let mut others = others.to_vec();
    others.resize(length.saturating_sub(1), first);
    let found: HashMap<String, String> = entries::table
        .filter(entries::expires_at.gt(now))
        .filter(is_any_of(first, &others))
        .select((entries::key, entries::value))
        .load_iter::<(String, String), DefaultLoadingMode>(conn)?
        .collect::<QueryResult<_>>()?;
    Ok(keys.iter().map(|key| found.get(*key).cloned()).collect())
}

type Condition<'k> = Box<dyn BoxableExpression<entries::table, Sqlite, SqlType = Bool> + 'k>;

/// Condition: the key is one of these. Built as a balanced tree, because SQLite refuses expressions a thousand levels deep.
fn is_any_of<'k>(first: &'k str, others: &[&'k str]) -> Condition<'k> {
    let (near, far) = others.split_at(others.len() / 2);
    match far.split_first() {
        None => Box::new(entries::key.eq(first)),
        Some((&head, tail)) => Box::new(is_any_of(first, near).or(is_any_of(head, tail))),
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

async fn blocking<T: Send + 'static>(
    timeout: Duration,
    work: impl FnOnce() -> Result<T, StoreUnavailable> + Send + 'static,
) -> Result<T, StoreUnavailable> {
    let task = tokio::task::spawn_blocking(work);
    match tokio::time::timeout(timeout.saturating_mul(2), task).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(unavailable(panic)),
        Err(_) => Err(StoreUnavailable("timed out".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    /// Reads more keys than SQLite allows nested conditions.
    #[tokio::test]
    async fn any_number_of_keys_is_read_in_their_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let store = Embedded::open(path, TIMEOUT, Clock::system());
        let store = store.await.expect("a store");
        for key in ["3", "700", "1299"] {
            let value = format!("value of {key}");
            let entries = [(key, value.as_str())];
            let stored = store.put_all(&entries, TIMEOUT * 12);
            stored.await.expect("a write");
        }
        for count in [0, 1, 2, 3, 4, 5, 255, 256, 257, 1_300] {
            let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            let mut keys: Vec<&str> = names.iter().map(String::as_str).collect();
            // Some keys are requested twice, and not next to each other.
            keys.extend(["3", "1", "700", "3"].iter().take(count));
            let found = store.get(&keys).await.expect("an answer");
            let wanted = keys.iter().map(|key| {
                let is_there = ["3", "700", "1299"].contains(key);
                is_there.then(|| format!("value of {key}"))
            });
            assert_eq!(found, wanted.collect::<Vec<_>>(), "{count}");
        }
    }
}
