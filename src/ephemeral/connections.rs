//! The multiplexed connections to Redis: one for each thread that answers requests, and one for everybody else.
//!
//! A connection is served by the runtime that it was made in. Where that is another thread's, every question wakes two threads,
//! which costs more than the question.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::Client;
use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{Away, away};

/// One store's connections. Cheap to clone; clones share them.
#[derive(Clone)]
pub(super) struct Connections {
    /// Tells the stores of one process apart.
    store: u64,
    client: Client,
    timeout: Duration,
    shared: ConnectionManager,
}

thread_local! {
    /// This thread's own, by store. They end with the thread, and with its runtime.
    static OWN: RefCell<HashMap<u64, ConnectionManager>> = RefCell::default();
}

impl Connections {
    /// Connects.
    ///
    /// # Errors
    /// When Redis does not answer in time.
    pub(super) async fn open(client: Client, timeout: Duration) -> Result<Self, Away> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let shared = ConnectionManager::new_with_config(client.clone(), config(timeout));
        let shared = tokio::time::timeout(timeout.saturating_mul(2), shared)
            .await
            .map_err(|_| Away("timed out".into()))?
            .map_err(away)?;
        Ok(Self {
            store: OPENED.fetch_add(1, Ordering::Relaxed),
            client,
            timeout,
            shared,
        })
    }

    /// The connection that serves this thread.
    pub(super) fn here(&self) -> ConnectionManager {
        let has_runtime_of_its_own = Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread);
        if !has_runtime_of_its_own {
            return self.shared.clone();
        }
        OWN.with_borrow_mut(|own| {
            if let Some(connection) = own.get(&self.store) {
                return connection.clone();
            }
            // It connects when it is used, within the same times as the shared one.
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
