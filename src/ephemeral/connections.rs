//! Multiplexed connections to Redis: one for each thread that handles requests, and one shared by all other threads.
//!
//! A connection is driven by the runtime that opened it. If that is another thread's runtime, every command wakes two threads,
//! which costs more than the command itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::Client;
use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{StoreUnavailable, unavailable};

/// Connections to one store. Cheap to clone; clones share them.
#[derive(Clone)]
pub(super) struct Connections {
    /// Distinguishes the stores of one process.
    store: u64,
    client: Client,
    timeout: Duration,
    shared: ConnectionManager,
}

thread_local! {
    /// Connections of this thread, by store. They are closed with the thread and its runtime.
    static OWN: RefCell<HashMap<u64, ConnectionManager>> = RefCell::default();
}

impl Connections {
    /// Opens the shared connection.
    pub(super) async fn open(client: Client, timeout: Duration) -> Result<Self, StoreUnavailable> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let shared = ConnectionManager::new_with_config(client.clone(), config(timeout));
        let shared = tokio::time::timeout(timeout.saturating_mul(2), shared)
            .await
            .map_err(|_| StoreUnavailable("timed out".into()))?
            .map_err(unavailable)?;
        Ok(Self {
            store: OPENED.fetch_add(1, Ordering::Relaxed),
            client,
            timeout,
            shared,
        })
    }

    /// Returns the connection for this thread.
    pub(super) fn for_this_thread(&self) -> ConnectionManager {
        let has_runtime_of_its_own = Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread);
        if !has_runtime_of_its_own {
            return self.shared.clone();
        }
        OWN.with_borrow_mut(|own| {
            if let Some(connection) = own.get(&self.store) {
                return connection.clone();
            }
            // Connects on first use, with the same timeouts as the shared connection.
            let made =
                ConnectionManager::new_lazy_with_config(self.client.clone(), config(self.timeout));
            match made {
                Ok(connection) => {
                    own.insert(self.store, connection.clone());
                    connection
                }
                Err(error) => {
                    tracing::warn!(%error, "this thread shares a Redis connection");
                    self.shared.clone()
                }
            }
        })
    }
}

fn config(timeout: Duration) -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout))
        .set_number_of_retries(1)
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_millis(200))
}
