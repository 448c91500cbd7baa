//! The database: PostgreSQL or SQLite, with one schema and one set of queries.
//!
//! Provides [`Database`], whose `read` and `write` run one use case each on a blocking thread, and [`Connection`], which every
//! `queries.rs` takes. Owns the schema and the migrations, but the queries of a table belong to one module each. Code outside
//! this module doesn't depend on which database is used.

mod commit_deadline;
mod connection;
mod error;
mod migrate;
mod pool;
pub mod portable;
#[allow(missing_docs, reason = "what the macro writes for each column")]
pub mod schema;
mod types;

// The derive generates a module in which `Connection` is Diesel's trait.
pub use commit_deadline::VISIBLE_WITHIN;
pub use connection::AnyConnection as Connection;
pub use connection::require_tls_support;
pub use error::{Error, Result};
pub use migrate::{MigrateError, has_schema, migrate};
pub use pool::Database;
pub use types::{Document, Instant, Json, StoredJson, Uuid};

/// The SQL types of columns.
mod columns {
    pub use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

    pub use super::types::{Document, Instant, Uuid};
}
