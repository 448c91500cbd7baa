//! Where to go after sign-in: a stored target, named by an opaque id, never a URL in a parameter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Sessions;
use crate::base::secrets::Token;
use crate::ephemeral::Away;

/// As long as somebody may look for their passkey.
const LIFE: Duration = Duration::from_secs(3600);

/// A longer address is not kept whole: a stranger makes it be kept, and no page of this place has one.
const LONGEST: usize = 2000;

/// The page from which every other one is reached.
const START: &str = "/";

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
    /// A path of this place with its query, and nothing more. Of what is longer than 2000 bytes the path alone, or the start page.
    pub fn to(path_and_query: &str) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let kept = [path_and_query, path]
            .into_iter()
            .find(|kept| kept.len() <= LONGEST);
        Self {
            path: kept.unwrap_or(START).to_owned(),
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
    pub async fn put_continuation(&self, target: &Continuation) -> Result<Token, Away> {
        let id = Token::generate();
        let text = serde_json::to_string(target)
            .map_err(|error| Away(format!("stored target is not JSON: {error}")))?;
        self.ephemeral.put(&key(&id), &text, LIFE).await?;
        Ok(id)
    }

    /// The target of an id; `None` when there is none (any more). It stays, because the person may have opened the page in
    /// two tabs; it is only ever one of our own paths.
    pub async fn continuation(&self, id: &str) -> Result<Option<Continuation>, Away> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let stored = stored.into_iter().next().flatten();
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_address_is_kept_without_its_query_or_not_at_all() {
        let path = |target: &str| Continuation::to(target).path;
        assert_eq!(
            path("/admin/audit?action=user."),
            "/admin/audit?action=user."
        );
        let most = format!(
            "/account?{}",
            "x".repeat(LONGEST.saturating_sub("/account?".len()))
        );
        assert_eq!(path(&most), most);
        assert_eq!(path(&format!("{most}x")), "/account");
        let long = format!("/{}", "x".repeat(LONGEST));
        assert_eq!(path(&long), START);
        assert_eq!(path(&format!("{long}?a=b")), START);
    }
}
