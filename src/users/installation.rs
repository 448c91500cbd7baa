//! Checks at start that the database was created with the configured master key and RP ID.

use super::queries;
use crate::base::secrets::MasterKey;
use crate::db::{self, Database};

/// Why this instance must not run on this database.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The database was created with another master key.
    #[error(
        "this is not the master key that the database was begun with. Give the right one in secrets.master_key_file; \
         to move to a new one, name the old one in secrets.previous_master_key_file"
    )]
    WrongMasterKey,
    /// The RP ID is another one, and there are passkeys.
    #[error(
        "passkeys here are bound to {stored}, and passkeys.rp_id is {configured}: no passkey would work. Set passkeys.rp_id \
         (or server.public_url) back, or start once with --accept-new-rp-id to give them up"
    )]
    OtherRpId {
        /// The RP ID that passkeys are bound to.
        stored: String,
        /// The RP ID that is configured.
        configured: String,
    },
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Stores the check value of the master key and the RP ID in a new database, or compares them with the stored ones. Every instance
/// runs it at its start, and must not run on this database if it fails.
pub async fn check_installation(
    database: &Database,
    master_key: &MasterKey,
    previous: Option<&MasterKey>,
    rp_id: &str,
    accept_new_rp_id: bool,
) -> Result<(), InstallationError> {
    let check = master_key.check_value();
    let previous = previous.map(MasterKey::check_value);
    let rp_id = rp_id.to_owned();
    let compare = move |conn: &mut db::Connection| {
        let Some(row) = queries::find_setup(conn)? else {
            return Ok(queries::insert_setup(conn, &check, &rp_id)?);
        };
        let is_known_key =
            row.key_check == check || previous.is_some_and(|previous| row.key_check == previous);
        if !is_known_key {
            return Err(InstallationError::WrongMasterKey);
        }
        let has_passkeys = row.completed_at.is_some();
        if row.rp_id != rp_id && has_passkeys && !accept_new_rp_id {
            return Err(InstallationError::OtherRpId {
                stored: row.rp_id,
                configured: rp_id,
            });
        }
        if row.key_check != check || row.rp_id != rp_id {
            queries::update_setup(conn, &check, &rp_id)?;
        }
        Ok(())
    };
    match database.write(compare.clone()).await {
        // Two instances started on an empty database at the same time: the row exists now.
        Err(InstallationError::Database(db::Error::UniqueViolation(_))) => {
            database.write(compare).await
        }
        other => other,
    }
}
