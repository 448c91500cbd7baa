//! The PostgreSQL server that all tests share, each with a database of its own.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use super::programs::psql;

/// The server that `scripts/test` started.
#[derive(Clone)]
pub struct SharedPostgres {
    url: String,
}

impl SharedPostgres {
    /// Reads `DOORWARD_TEST_POSTGRES`: the URL of any database of the server, with a user who may create databases.
    pub(super) fn from_environment() -> Self {
        let url = env::var("DOORWARD_TEST_POSTGRES")
            .expect("DOORWARD_TEST_POSTGRES is not set: run scripts/test, which starts the servers that tests share");
        Self { url }
    }

    /// Creates an empty database with a unique name; returns its URL.
    pub fn fresh_database(&self) -> String {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "test_{}_{}",
            std::process::id(),
            CREATED.fetch_add(1, Ordering::Relaxed)
        );
        psql(
            &self.url,
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        );
        let (server, parameters) = self
            .url
            .split_once('?')
            .map_or((&*self.url, ""), |(server, rest)| (server, rest));
        let (server, _) = server.rsplit_once('/').expect("a URL with a database");
        let separator = if parameters.is_empty() { "" } else { "?" };
        format!("{server}/{name}{separator}{parameters}")
    }

    /// Runs SQL at the URL of a database of this server.
    pub fn psql(&self, url: &str, sql: &str) -> String {
        psql(url, sql)
    }
}
