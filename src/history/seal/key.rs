//! The key of the chain: made once, kept sealed under the master key.

use super::chain::ChainKey;
use super::queries::{self, SealerRow};
use super::{AuditSeal, SealError};
use crate::base::secrets::random_bytes;
use crate::db::{self, Connection};

/// What the key is sealed for.
const CONTEXT: &[u8] = b"audit-chain";

impl AuditSeal {
    /// The key, made now if there is none. The caller holds the sealer's row.
    pub(super) fn key(
        &self,
        conn: &mut Connection,
        row: &SealerRow,
    ) -> Result<ChainKey, SealError> {
        if let Some(key) = self.open(row)? {
            return Ok(key);
        }
        if row.position > 0 {
            return Err(SealError::KeyGone);
        }
        let bytes: [u8; 32] = random_bytes();
        queries::update_key(conn, &self.sealer.seal(&bytes, CONTEXT))?;
        Ok(ChainKey::new(&bytes))
    }

    /// The key, if there is one already.
    pub(super) fn open(&self, row: &SealerRow) -> Result<Option<ChainKey>, SealError> {
        let Some(sealed) = &row.sealed_key else {
            return Ok(None);
        };
        let bytes = self.sealer.open(sealed, CONTEXT)?;
        Ok(Some(ChainKey::new(&bytes)))
    }

    /// Seals the key under the present master key; whether it was not. After this the previous one is no longer needed for it.
    ///
    /// # Errors
    /// `Key` when it is under a master key that is not here.
    pub async fn rewrap(&self) -> Result<bool, SealError> {
        let seal = self.clone();
        self.database
            .write(move |conn| {
                let row = queries::lock_sealer(conn)?;
                let Some(sealed) = row.sealed_key else {
                    return Ok(false);
                };
                if seal.sealer.is_current(&sealed) {
                    return Ok(false);
                }
                let bytes = seal.sealer.open(&sealed, CONTEXT)?;
                queries::update_key(conn, &seal.sealer.seal(&bytes, CONTEXT))?;
                Ok(true)
            })
            .await
    }

    /// Looks whether the key under which events are sealed is there and can be opened: one row is read.
    ///
    /// # Errors
    /// `Key` or `KeyGone`, with what to do.
    pub async fn check(&self) -> Result<(), SealError> {
        let row = self.database.read(queries::find_sealer);
        let row = row.await.map_err(|error: db::Error| error)?;
        if self.open(&row)?.is_none() && row.position > 0 {
            return Err(SealError::KeyGone);
        }
        Ok(())
    }
}
