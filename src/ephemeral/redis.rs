//! Redis: a multiplexed connection for each worker thread, and a pool of one connection for health checks.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use ::redis::aio::ConnectionManager;
use ::redis::io::tcp::{TcpSettings, socket2};
use ::redis::{
    AsyncCommands, Client, FromRedisValue, IntoConnectionInfo, RedisError, Script, ScriptInvocation,
};
use secrecy::{ExposeSecret, SecretString};

use super::connections::Connections;
use super::{StoreCheckError, StoreUnavailable, unavailable};

/// Oldest version of Redis with GETDEL.
const MIN_VERSION: (u32, u32) = (6, 2);

#[derive(Clone)]
pub(super) struct Redis {
    connections: Connections,
    /// For commands that block, take long or need a dedicated connection: currently only the health check (decision 21).
    pool: deadpool_redis::Pool,
    scripts: std::sync::Arc<Scripts>,
    timeout: Duration,
}

struct Scripts {
    store_newer: Script,
    replace: Script,
    count: Script,
}

impl fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redis")
    }
}

impl Redis {
    pub(super) async fn connect(
        url: &SecretString,
        timeout: Duration,
    ) -> Result<Self, StoreCheckError> {
        let info = connection_info(url, timeout)?;
        let client = Client::open(info.clone()).map_err(unavailable)?;
        let connections = Connections::open(client, timeout).await?;
        let manager = deadpool_redis::Manager::new(info).map_err(unavailable)?;
        let pool = deadpool_redis::Pool::builder(manager)
            .max_size(1)
            .wait_timeout(Some(timeout))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .runtime(deadpool_redis::Runtime::Tokio1)
            .build()
            .map_err(unavailable)?;
        let redis = Self {
            connections,
            pool,
            scripts: std::sync::Arc::new(Scripts {
                store_newer: Script::new(include_str!("store_newer.lua")),
                replace: Script::new(include_str!("replace.lua")),
                count: Script::new(include_str!("count.lua")),
            }),
            timeout,
        };
        redis.check().await?;
        Ok(redis)
    }

    pub(super) async fn put_all(
        &self,
        entries: &[(&str, &str)],
        ttl: Duration,
    ) -> Result<(), StoreUnavailable> {
        let mut call = ::redis::pipe();
        if entries.len() > 1 {
            call.atomic();
        }
        for (key, value) in entries {
            call.pset_ex(*key, *value, milliseconds(ttl)).ignore();
        }
        let call = &call;
        let put = |mut connection| async move { call.query_async(&mut connection).await };
        self.idempotent(put).await
    }

    /// Not retried: if the response to the first call is lost, the value is gone.
    pub(super) async fn take(&self, key: &str) -> Result<Option<String>, StoreUnavailable> {
        let mut connection = self.connections.for_this_thread();
        self.with_timeout(connection.get_del(key)).await
    }

    /// Reads keys, in their order: one MGET for each hash tag, so that no command spans two slots of a Redis Cluster.
    pub(super) async fn get(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreUnavailable> {
        let groups = by_hash_tag(keys);
        let mut call = ::redis::pipe();
        for places in groups.values() {
            let keys: Vec<&str> = places
                .iter()
                .filter_map(|at| keys.get(*at).copied())
                .collect();
            call.mget(keys);
        }
        let call = &call;
        let get = |mut connection| async move { call.query_async(&mut connection).await };
        let values: Vec<Vec<Option<String>>> = self.idempotent(get).await?;
        let mut found = vec![None; keys.len()];
        for (at, value) in groups
            .into_values()
            .flatten()
            .zip(values.into_iter().flatten())
        {
            if let Some(place) = found.get_mut(at) {
                *place = value;
            }
        }
        Ok(found)
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), StoreUnavailable> {
        let remove = |mut connection: ConnectionManager| async move { connection.del(key).await };
        self.idempotent(remove).await
    }

    pub(super) async fn replace(
        &self,
        key: &str,
        old: &str,
        new: &str,
        ttl: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let mut call = self.scripts.replace.key(key);
        call.arg(old).arg(new).arg(milliseconds(ttl));
        self.script(&call).await
    }

    /// If the response is lost and the call is retried, the count is one too high.
    pub(super) async fn count(&self, key: &str, ttl: Duration) -> Result<u64, StoreUnavailable> {
        let mut call = self.scripts.count.key(key);
        call.arg(milliseconds(ttl));
        self.script(&call).await
    }

    pub(super) async fn store_newer(
        &self,
        key: &str,
        version: i64,
        value: &str,
        ttl: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let mut call = self.scripts.store_newer.key(key);
        call.arg(version).arg(value).arg(milliseconds(ttl));
        self.script(&call).await
    }

    async fn script<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreUnavailable> {
        let run = |mut connection| async move { call.invoke_async(&mut connection).await };
        self.idempotent(run).await
    }

    /// INFO has a long response, so it is not sent on a connection that session checks use.
    pub(super) async fn check(&self) -> Result<(), StoreCheckError> {
        let mut connection = tokio::time::timeout(self.timeout, self.pool.get())
            .await
            .map_err(|_| StoreUnavailable("timed out".into()))?
            .map_err(|error| StoreUnavailable(error.to_string()))?;
        let info: String = self
            .with_timeout(::redis::cmd("INFO").query_async(&mut connection))
            .await?;
        check_settings(&info)
    }

    /// Runs a call that is safe to repeat: if its connection was lost, retries once within the same timeout. An idle connection
    /// that was dropped is detected by the first call that uses it, and reopened in the background.
    async fn idempotent<T, F>(
        &self,
        call: impl Fn(ConnectionManager) -> F,
    ) -> Result<T, StoreUnavailable>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let twice = async {
            match call(self.connections.for_this_thread()).await {
                Err(error) if error.is_unrecoverable_error() || error.is_io_error() => {
                    Box::pin(call(self.connections.for_this_thread())).await
                }
                answer => answer,
            }
        };
        self.with_timeout(twice).await
    }

    async fn with_timeout<T>(
        &self,
        call: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, StoreUnavailable> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(result) => result.map_err(unavailable),
            Err(_) => Err(StoreUnavailable("timed out".into())),
        }
    }
}

/// Returns the connection settings. A peer that disappears silently is detected within the timeout instead of
/// the system's default.
fn connection_info(
    url: &SecretString,
    timeout: Duration,
) -> Result<::redis::ConnectionInfo, StoreUnavailable> {
    let info = url
        .expose_secret()
        .into_connection_info()
        .map_err(unavailable)?;
    let keepalive = socket2::TcpKeepalive::new().with_time(timeout.max(Duration::from_secs(1)));
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(timeout);
    Ok(info.set_tcp_settings(tcp))
}

/// Checks the settings in INFO's response: version, eviction, append-only file.
fn check_settings(info: &str) -> Result<(), StoreCheckError> {
    let value = |name: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .unwrap_or_default()
            .trim()
    };
    if value("loading") == "1" {
        return Err(StoreUnavailable("Redis is loading its data".into()).into());
    }
    let version = value("redis_version");
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let version_number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version_number < MIN_VERSION {
        return Err(StoreCheckError::Misconfigured(format!(
            "Redis {version} is too old: Doorward needs 6.2 or newer"
        )));
    }
    if value("maxmemory_policy") != "noeviction" {
        return Err(StoreCheckError::Misconfigured(format!(
            "Redis may evict sessions when memory is short (maxmemory-policy {}); set `maxmemory-policy noeviction`",
            value("maxmemory_policy")
        )));
    }
    if value("aof_enabled") != "1" {
        return Err(StoreCheckError::Misconfigured(
            "Redis would lose all sessions on restart; set `appendonly yes`".into(),
        ));
    }
    Ok(())
}

/// Groups the positions of keys by hash tag, the part in braces that determines the slot (Redis Cluster
/// specification, "Hash tags").
fn by_hash_tag<'k>(keys: &[&'k str]) -> BTreeMap<&'k str, Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, key) in keys.iter().enumerate() {
        let tag = key
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'));
        let tag = tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty());
        groups.entry(tag.unwrap_or(key)).or_default().push(at);
    }
    groups
}

fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "redis_version:7.0.15\r\nloading:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";

    #[test]
    fn keys_with_the_same_hash_tag_are_one_group() {
        let keys = [
            "session:{a}:1",
            "plain",
            "account-state:{a}",
            "client:{b}",
            "{}x",
            "{c",
        ];
        let groups = by_hash_tag(&keys);
        let wanted = [
            ("a", vec![0, 2]),
            ("b", vec![3]),
            ("plain", vec![1]),
            ("{c", vec![5]),
            ("{}x", vec![4]),
        ];
        assert_eq!(groups, BTreeMap::from(wanted));
    }

    #[test]
    fn a_redis_that_may_evict_keys_is_refused() {
        assert!(check_settings(GOOD).is_ok());
        for (from, to) in [
            ("7.0.15", "6.0.9"),
            ("noeviction", "allkeys-lru"),
            ("aof_enabled:1", "aof_enabled:0"),
        ] {
            let info = GOOD.replace(from, to);
            assert!(
                matches!(
                    check_settings(&info),
                    Err(StoreCheckError::Misconfigured(_))
                ),
                "{to}"
            );
        }
        assert!(matches!(
            check_settings(&GOOD.replace("loading:0", "loading:1")),
            Err(StoreCheckError::Unavailable(_))
        ));
    }
}
