//! Re-encrypts the stored chosen secrets when the master key is replaced.

use super::secret::StoredSecret;
use super::{ClientError, Clients, queries};
use crate::base::ids::ClientId;
use crate::base::seal::OpenError;
use crate::db;

/// Why secrets could not be re-encrypted.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// A secret is sealed under a master key that is not configured.
    #[error("the secret of client {0}: {1}")]
    Sealed(ClientId, OpenError),
    /// The change failed, or is not yet in force.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl From<db::Error> for RewrapError {
    fn from(error: db::Error) -> Self {
        Self::Client(error.into())
    }
}

impl Clients {
    /// Seals every chosen secret under the current master key. Returns how many were re-encrypted. Afterwards the previous key is
    /// no longer needed for them. Idempotent.
    ///
    /// # Errors
    /// `Sealed` for the first secret that can't be opened; the others are re-encrypted anyway.
    pub async fn rewrap_secrets(&self) -> Result<usize, RewrapError> {
        let list = queries::list_with_chosen_secret;
        let mut rewrapped: usize = 0;
        let mut first_error = None;
        for id in self.database.read(list).await? {
            match self.rewrap_secret(id).await {
                Ok(is_changed) => rewrapped = rewrapped.saturating_add(usize::from(is_changed)),
                Err(error @ RewrapError::Sealed(..)) => {
                    first_error.get_or_insert(error);
                    continue;
                }
                Err(error) => return Err(error),
            }
            // Also publishes a secret that needed no change: an earlier run may have failed to publish it.
            self.publish(id).await.map_err(ClientError::from)?;
        }
        first_error.map_or(Ok(rewrapped), Err)
    }

    async fn rewrap_secret(&self, id: ClientId) -> Result<bool, RewrapError> {
        let own = self.clone();
        self.database
            .write(move |conn| {
                let Some(record) = queries::lock(conn, id)? else {
                    return Ok(false);
                };
                let stored = record.secret_hash.as_deref();
                let Some(stored) = stored.and_then(StoredSecret::from_text) else {
                    return Ok(false);
                };
                let rewrapped = stored.rewrap(id, &own.sealer);
                let Some(rewrapped) = rewrapped.map_err(|error| RewrapError::Sealed(id, error))?
                else {
                    return Ok(false);
                };
                queries::update_secret(conn, id, Some(&rewrapped))?;
                let now = own.database.now(conn)?;
                queries::update_revoked_tokens(conn, &record, now)?;
                Ok(true)
            })
            .await
    }
}
