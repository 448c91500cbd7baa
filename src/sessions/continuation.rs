//! Where to go after sign-in: a stored target, named by an opaque id, never a URL in a parameter (DESIGN rule 7).

use std::time::Duration;

use super::Sessions;
use crate::base::secrets::Token;
use crate::ephemeral::Away;

/// As long as somebody may look for their passkey.
const LIFE: Duration = Duration::from_secs(3600);

fn key(id: &Token) -> String {
    format!("continue:{}", id.hash().to_text())
}

impl Sessions {
    /// Stores a target, a path of this place, and returns its id.
    ///
    /// # Errors
    /// When the ephemeral store is away.
    pub async fn put_continuation(&self, target: &str) -> Result<Token, Away> {
        let id = Token::generate();
        self.ephemeral.put(&key(&id), target, LIFE).await?;
        Ok(id)
    }

    /// The target of an id, unread by whoever hands it on; `None` when there is none (any more). It stays, because the person
    /// may have opened the page in two tabs; it is only ever one of our own paths.
    ///
    /// # Errors
    /// When the ephemeral store is away.
    pub async fn continuation(&self, id: &str) -> Result<Option<String>, Away> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        Ok(self
            .ephemeral
            .get(&[&key(&id)])
            .await?
            .into_iter()
            .next()
            .flatten())
    }
}
