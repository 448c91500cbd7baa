//! Migrates the schema to this version, in one process at a time.

use std::fs::File;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Connection;
use super::pool::Database;

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Number of PostgreSQL's advisory lock for migrations. Arbitrary, but it must never change.
const LOCK: i64 = 0x0D00_12AD;

/// Why the schema could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] super::Error),
    /// A migration failed and was rolled back.
    #[error("a migration failed and was rolled back: {0}")]
    Failed(String),
    /// The database was migrated by a newer version of Doorward.
    #[error(
        "the database's schema ({database}) is newer than this binary: Doorward {} knows migrations up to {binary}. Start the \
         version that made the schema, or a later one; to go back, restore a backup from before the upgrade",
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// Version of the newest migration that was applied to the database.
        database: String,
        /// Version of the newest migration in this binary.
        binary: String,
    },
    /// The lock file can't be created.
    #[error("{0}")]
    LockFile(String),
}

/// Runs the pending migrations and returns their names. Instances that start concurrently wait for each other.
pub async fn migrate(database: &Database, data_dir: &Path) -> Result<Vec<String>, MigrateError> {
    let lock_path = data_dir.join("migrate.lock");
    database
        .run_outside_pool(move |conn| match conn {
            Connection::Postgres(conn) => {
                // Waiting for another instance's migration may take longer than the timeouts for requests.
                let limits = "set statement_timeout = 0; set lock_timeout = 0";
                conn.batch_execute(limits).map_err(super::Error::from)?;
                let lock = format!("select pg_advisory_lock({LOCK})");
                conn.batch_execute(&lock).map_err(super::Error::from)?;
                let ran = run(conn, POSTGRES);
                // Releases the lock. The timeouts are not restored, because this connection is closed afterwards.
                let give_up = format!("select pg_advisory_unlock({LOCK})");
                conn.batch_execute(&give_up).map_err(super::Error::from)?;
                ran
            }
            Connection::Sqlite(conn) => {
                let fault = |cause: std::io::Error| {
                    MigrateError::LockFile(format!("{}: {cause}", lock_path.display()))
                };
                let lock = File::create(&lock_path).map_err(fault)?;
                lock.lock().map_err(fault)?;
                run(conn, SQLITE)
            }
        })
        .await
}

/// Whether any migration was ever applied.
pub async fn has_schema(database: &Database) -> super::Result<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    database
        .read(|conn| {
            let query = match conn {
                Connection::Postgres(_) => {
                    "select to_regclass('__diesel_schema_migrations') is not null as found"
                }
                Connection::Sqlite(_) => {
                    "select count(*) > 0 as found from sqlite_schema where name = '__diesel_schema_migrations'"
                }
            };
            Ok(sql_query(query).get_result::<Found>(conn)?.found)
        })
        .await
}

fn run<DB: diesel::backend::Backend>(
    conn: &mut impl MigrationHarness<DB>,
    migrations: EmbeddedMigrations,
) -> Result<Vec<String>, MigrateError> {
    refuse_newer(conn, &migrations)?;
    conn.run_pending_migrations(migrations)
        .map(|versions| versions.iter().map(ToString::to_string).collect())
        .map_err(|error| MigrateError::Failed(error.to_string()))
}

/// Refuses a database with a migration that this binary doesn't have, because the meaning of its data may have changed.
fn refuse_newer<DB: diesel::backend::Backend>(
    conn: &mut impl MigrationHarness<DB>,
    migrations: &EmbeddedMigrations,
) -> Result<(), MigrateError> {
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    let own = MigrationSource::<DB>::migrations(migrations).map_err(failed)?;
    let own: Vec<MigrationVersion<'_>> = own
        .iter()
        .map(|migration| migration.name().version())
        .collect();
    let applied = conn.applied_migrations().map_err(failed)?;
    let unknown = applied
        .into_iter()
        .filter(|version| !own.contains(version))
        .max();
    match (unknown, own.iter().max()) {
        (Some(database), Some(binary)) => Err(MigrateError::Newer {
            database: database.to_string(),
            binary: binary.to_string(),
        }),
        _ => Ok(()),
    }
}
