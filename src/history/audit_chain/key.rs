//! The HMAC key of the chain: created once, stored encrypted under the master key.

use super::entry::ChainKey;
use super::queries::{self, ChainState};
use super::{AuditChain, ChainError};
use crate::base::secrets::random_bytes;
use crate::db::{self, Connection};

/// Associated data of the encrypted key.
const CONTEXT: &[u8] = b"audit-chain";

impl AuditChain {
    /// Returns the key, and creates it if there is none. The caller must hold the lock of the chain state.
    pub(super) fn key(
        &self,
        conn: &mut Connection,
        row: &ChainState,
    ) -> Result<ChainKey, ChainError> {
        if let Some(key) = self.open(row)? {
            return Ok(key);
        }
        if row.position > 0 {
            return Err(ChainError::KeyGone);
        }
        let bytes: [u8; 32] = random_bytes();
        queries::update_key(conn, &self.sealer.seal(&bytes, CONTEXT))?;
        Ok(ChainKey::new(&bytes))
    }

    /// Decrypts the key; returns `None` if there is none yet.
    pub(super) fn open(&self, row: &ChainState) -> Result<Option<ChainKey>, ChainError> {
        let Some(sealed) = &row.sealed_key else {
            return Ok(None);
        };
        let bytes = self.sealer.open(sealed, CONTEXT)?;
        Ok(Some(ChainKey::new(&bytes)))
    }

    /// Re-encrypts the key under the current master key, which makes the previous one unnecessary; `false` if it is already.
    ///
    /// # Errors
    /// `Key` if it was encrypted under an unknown master key.
    pub async fn rewrap(&self) -> Result<bool, ChainError> {
        let chain = self.clone();
        self.database
            .write(move |conn| {
                let row = queries::lock_chain_state(conn)?;
                let Some(sealed) = row.sealed_key else {
                    return Ok(false);
                };
                if chain.sealer.is_current(&sealed) {
                    return Ok(false);
                }
                let bytes = chain.sealer.open(&sealed, CONTEXT)?;
                queries::update_key(conn, &chain.sealer.seal(&bytes, CONTEXT))?;
                Ok(true)
            })
            .await
    }

    /// Checks that the key exists, if events are sealed, and can be decrypted. Reads one row.
    ///
    /// # Errors
    /// `Key` or `KeyGone`, with what to do.
    pub async fn check(&self) -> Result<(), ChainError> {
        let row = self.database.read(queries::find_chain_state);
        let row = row.await.map_err(|error: db::Error| error)?;
        if self.open(&row)?.is_none() && row.position > 0 {
            return Err(ChainError::KeyGone);
        }
        Ok(())
    }
}
