//! What must last: PostgreSQL or SQLite behind one schema and one set of queries.
//!
//! Hands out [`Database`], whose `read` and `write` run one use case each on a blocking thread, and [`Connection`], which
//! every `queries.rs` takes. Owns the schema and the migrations, but no table: each belongs to one capability. Nobody
//! outside asks which database it is.

mod connection;
mod error;
mod migrate;
mod pool;
pub mod portable;
#[expect(missing_docs, reason = "what the macro writes for each column")]
pub mod schema;
mod slow;
mod types;

// The derive writes a module in which the name `Connection` is diesel's.
pub use connection::AnyConnection as Connection;
pub use connection::require_tls_support;
pub use error::{Error, Result};
pub use migrate::{MigrateError, has_schema, migrate};
pub use pool::Database;
pub use slow::SEEN_WITHIN;
pub use types::{Document, Instant, Json, StoredJson, Uuid};
