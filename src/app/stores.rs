//! Opens an instance's storage: the data folder, the master key, the database and the ephemeral store.

use std::path::Path;

use secrecy::ExposeSecret;

use super::StartError;
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::secrets::MasterKey;
use crate::db::{self, Database, MigrateError};
use crate::ephemeral::Ephemeral;

const DATABASE_FILE: &str = "doorward.db";
const EPHEMERAL_FILE: &str = "ephemeral.db";

pub(super) fn prepare_folder(config: &Config) -> std::io::Result<()> {
    let folder = &config.server.data_dir;
    make_private_folder(folder)?;
    if !config.is_clustered() {
        make_private_file(&folder.join(DATABASE_FILE))?;
        make_private_file(&folder.join(EPHEMERAL_FILE))?;
    }
    Ok(())
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Creates an empty file with mode 0600 unless it exists. SQLite gives its side files the same mode.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

pub(super) fn master_key(config: &Config) -> Result<MasterKey, StartError> {
    let path = config.master_key_path();
    if config.is_clustered() {
        if !path.is_file() {
            return Err(StartError::MasterKeyMissing);
        }
        return Ok(MasterKey::read(&path)?);
    }
    Ok(MasterKey::read_or_create(&path)?)
}

/// Describes the missing database, if there is none yet. Used by commands that must not create one.
pub async fn find_missing_database(
    config: &Config,
    clock: &Clock,
) -> Result<Option<String>, StartError> {
    if config.database.url.is_none() {
        let path = config.server.data_dir.join(DATABASE_FILE);
        let absolute = std::path::absolute(&path).unwrap_or(path);
        let missing = format!("there is no database at {}", absolute.display());
        return Ok((!absolute.is_file()).then_some(missing));
    }
    let has_schema = db::has_schema(&open_database(config, clock)?).await;
    let has_schema = has_schema.map_err(MigrateError::from)?;
    Ok((!has_schema).then(|| "the database of database.url is empty".to_owned()))
}

pub(super) fn open_database(config: &Config, clock: &Clock) -> Result<Database, StartError> {
    let section = &config.database;
    match &section.url {
        Some(url) => {
            db::require_tls_support(url.expose_secret(), cfg!(feature = "postgres-tls"))
                .map_err(StartError::DatabaseUrl)?;
            Ok(Database::postgres(
                url,
                section.pool_size,
                section.timeout,
                clock.clone(),
            ))
        }
        None => {
            let path = config.server.data_dir.join(DATABASE_FILE);
            let database =
                Database::sqlite(&path.to_string_lossy(), section.timeout, clock.clone());
            Ok(database.map_err(MigrateError::from)?)
        }
    }
}

pub(super) async fn open_ephemeral(
    config: &Config,
    clock: &Clock,
) -> Result<Ephemeral, StartError> {
    let timeout = config.redis.timeout;
    match &config.redis.url {
        Some(url) => Ok(Ephemeral::redis(url, timeout).await?),
        None => {
            let path = config.server.data_dir.join(EPHEMERAL_FILE);
            Ok(Ephemeral::embedded(&path, timeout, clock.clone()).await?)
        }
    }
}
