//! A connection type for both databases, chosen by the URL's scheme.

// The derive generates a module whose public items have no documentation.
#![allow(missing_docs, reason = "what the derive generates")]

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{ConnectionResult, PgConnection, SqliteConnection};

/// A connection to PostgreSQL or SQLite.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl std::fmt::Debug for AnyConnection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Postgres(_) => "Connection::Postgres",
            Self::Sqlite(_) => "Connection::Sqlite",
        })
    }
}

impl AnyConnection {
    /// Connects to PostgreSQL. Statements, lock waits and unresponsive networks are limited to `timeout`.
    pub(super) fn postgres(url: &str, timeout: Duration) -> ConnectionResult<Self> {
        let mut conn =
            <PgConnection as diesel::Connection>::establish(&with_timeouts(url, timeout))?;
        let milliseconds = timeout.as_millis();
        conn.batch_execute(&format!(
            "set statement_timeout = {milliseconds}; set lock_timeout = {milliseconds}; \
             set idle_in_transaction_session_timeout = {}; set time zone 'UTC'",
            milliseconds.saturating_mul(2)
        ))
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(Self::Postgres(conn))
    }

    /// Opens an SQLite file. Committed changes survive a power failure (`synchronous = full`).
    pub(super) fn sqlite(path: &str, timeout: Duration) -> ConnectionResult<Self> {
        let mut conn = <SqliteConnection as diesel::Connection>::establish(path)?;
        conn.batch_execute(&format!(
            "pragma busy_timeout = {}; pragma journal_mode = wal; pragma synchronous = full; \
             pragma foreign_keys = on",
            timeout.as_millis()
        ))
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(Self::Sqlite(conn))
    }
}

/// Adds libpq's timeout parameters, unless the URL sets them.
fn with_timeouts(url: &str, timeout: Duration) -> String {
    let seconds = timeout.as_secs().max(1).to_string();
    let milliseconds = timeout.as_millis().to_string();
    let Ok(mut parsed) = url::Url::parse(url) else {
        return url.to_owned();
    };
    let given: Vec<String> = parsed
        .query_pairs()
        .map(|(key, _)| key.into_owned())
        .collect();
    for (key, value) in [
        ("connect_timeout", seconds.as_str()),
        ("tcp_user_timeout", milliseconds.as_str()),
        ("keepalives_idle", "10"),
        ("keepalives_interval", "5"),
        ("keepalives_count", "3"),
        ("application_name", "doorward"),
    ] {
        if !given.iter().any(|name| name == key) {
            parsed.query_pairs_mut().append_pair(key, value);
        }
    }
    parsed.to_string()
}

/// Checks that this build can connect to PostgreSQL as the URL requires.
///
/// # Errors
/// What to do, when the URL requires TLS and the build has none.
pub fn require_tls_support(url: &str, has_tls: bool) -> Result<(), &'static str> {
    let demands_tls = url::Url::parse(url).is_ok_and(|url| {
        url.query_pairs().any(|(key, value)| {
            key == "sslmode" && matches!(value.as_ref(), "require" | "verify-ca" | "verify-full")
        })
    });
    if demands_tls && !has_tls {
        return Err(
            "sslmode requires TLS, but this build has none; build with the default feature `postgres-tls`",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_tls_refuses_a_url_that_requires_it() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let url = format!("postgres://db.example.com/doorward?sslmode={mode}");
            assert!(require_tls_support(&url, false).is_err(), "{mode}");
            assert!(require_tls_support(&url, true).is_ok(), "{mode}");
        }
        for url in [
            "postgres://db.example.com/doorward",
            "postgres://db.example.com/doorward?sslmode=prefer",
        ] {
            assert!(require_tls_support(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn limits_in_the_url_are_kept() {
        let url = with_timeouts("postgres://h/d?connect_timeout=9", Duration::from_secs(5));
        assert_eq!(url.matches("connect_timeout").count(), 1);
        assert!(url.contains("connect_timeout=9") && url.contains("tcp_user_timeout=5000"));
    }
}
