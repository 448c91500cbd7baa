//! Re-encrypts private keys under a new master key.

use super::key::SigningKey;
use super::keyring::{KeyError, Keyring};
use super::queries;
use crate::clients::Algorithm;
use crate::db::Connection;
use crate::history::Author;

impl Keyring {
    /// Re-encrypts every private key that is not under the current master key, which makes the previous master key unnecessary.
    /// Run it when every instance uses the current one. Returns how many were re-encrypted.
    ///
    /// # Errors
    /// `Sealed` if a published key was encrypted under an unknown master key; then nothing is changed.
    pub async fn rewrap(&self, author: Author) -> Result<usize, KeyError> {
        let keyring = self.clone();
        let rewrapped = self
            .database
            .write(move |conn| {
                let mut rewrapped = 0;
                for algorithm in Algorithm::ALL {
                    for key in queries::lock(conn, algorithm)? {
                        rewrapped += usize::from(keyring.rewrap_one(conn, key, &author)?);
                    }
                }
                Ok::<_, KeyError>(rewrapped)
            })
            .await?;
        self.refresh_cached_keyring().await?;
        Ok(rewrapped)
    }

    fn rewrap_one(
        &self,
        conn: &mut Connection,
        mut key: SigningKey,
        author: &Author,
    ) -> Result<bool, KeyError> {
        let sealed = queries::find_sealed(conn, key.id)?.unwrap_or_default();
        if self.sealer.is_current(&sealed) {
            return Ok(false);
        }
        let change = self.change(conn, author)?;
        let context = key.id.uuid();
        let private = match self.sealer.open(&sealed, context.as_bytes()) {
            Ok(private) => private,
            Err(error) if key.is_published(change.now) => {
                return Err(KeyError::Sealed(key.id, error));
            }
            // A retired or compromised key is not needed again, and can't be decrypted here anyway.
            Err(_) => return Ok(false),
        };
        let sealed = self.sealer.seal(&private, context.as_bytes());
        key.increment_version(change.database_now);
        queries::update_sealed(conn, key.id, &sealed)?;
        queries::update(conn, &key, author)?;
        key.record_version(conn, author, "key.rewrapped")?;
        Ok(true)
    }

    /// Checks that every published key can be decrypted, before an instance serves requests.
    pub async fn check_private_keys_decrypt(&self) -> Result<(), KeyError> {
        let keyring = self.clone();
        self.database
            .read(move |conn| {
                let now = keyring.clock.now();
                for key in queries::list(conn)? {
                    if key.is_published(now) {
                        let sealed = queries::find_sealed(conn, key.id)?.unwrap_or_default();
                        keyring
                            .sealer
                            .open(&sealed, key.id.uuid().as_bytes())
                            .map_err(|error| KeyError::Sealed(key.id, error))?;
                    }
                }
                Ok(())
            })
            .await
    }
}
