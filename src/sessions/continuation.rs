//! Where to go after sign-in: a stored target, named by an opaque id, never a URL in a parameter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Sessions;
use crate::base::secrets::Token;
use crate::ephemeral::Away;

/// As long as somebody may look for their passkey.
const LIFE: Duration = Duration::from_secs(3600);

/// An app that sends people here to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub host: String,
}

/// Where somebody goes on, and what the sign-in page says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation {
    /// A path of this place.
    pub path: String,
    /// The app that they are on the way to.
    #[serde(default)]
    pub app: Option<Destination>,
    /// What they may be called.
    #[serde(default)]
    pub login_hint: Option<String>,
}

impl Continuation {
    /// A path of this place, and nothing more.
    pub fn to(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            app: None,
            login_hint: None,
        }
    }
}

fn key(id: &Token) -> String {
    format!("continue:{}", id.hash().to_text())
}

impl Sessions {
    /// Stores a target and returns its id.
    ///
    /// # Errors
    /// When the ephemeral store is away.
    pub async fn put_continuation(&self, target: &Continuation) -> Result<Token, Away> {
        let id = Token::generate();
        let text = serde_json::to_string(target)
            .map_err(|error| Away(format!("a target that is no JSON: {error}")))?;
        self.ephemeral.put(&key(&id), &text, LIFE).await?;
        Ok(id)
    }

    /// The target of an id; `None` when there is none (any more). It stays, because the person may have opened the page in
    /// two tabs; it is only ever one of our own paths.
    ///
    /// # Errors
    /// When the ephemeral store is away.
    pub async fn continuation(&self, id: &str) -> Result<Option<Continuation>, Away> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let stored = stored.into_iter().next().flatten();
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()))
    }
}
