//! Continuations: where the browser continues after sign-in. The target is stored and named by an opaque ID, so no URL is ever
//! passed as a parameter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Sessions;
use crate::base::secrets::Token;
use crate::ephemeral::{StoreUnavailable, to_json};

/// How long a target is stored: long enough for a user to find their passkey.
const TTL: Duration = Duration::from_secs(3600);

/// Maximum length of a stored path with query, in bytes. Anonymous clients cause it to be stored, and no page here
/// has a longer URL.
const MAX_LEN: usize = 2000;

/// Start page; every other page can be reached from it.
const START: &str = "/";

/// App that sent the user to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    pub name: String,
    pub host: String,
}

/// Where the browser continues after sign-in, and what the sign-in page shows about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation {
    pub path: String,
    /// App that the user is signing in to.
    #[serde(default)]
    pub app: Option<Destination>,
    /// `login_hint` of the request: the user's likely identifier.
    #[serde(default)]
    pub login_hint: Option<String>,
}

impl Continuation {
    /// Creates a continuation to a path and query at this server. If both together are longer than 2000 bytes, the query is
    /// dropped; if the path alone is longer, the start page is used.
    pub fn to(path_and_query: &str) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let kept = [path_and_query, path]
            .into_iter()
            .find(|kept| kept.len() <= MAX_LEN);
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
    /// Stores a target and returns its ID.
    pub async fn put_continuation(&self, target: &Continuation) -> Result<Token, StoreUnavailable> {
        let id = Token::generate();
        let text = to_json(target)?;
        self.ephemeral.put(&key(&id), &text, TTL).await?;
        Ok(id)
    }

    /// Returns the target with this ID; `None` if it doesn't exist or has expired. It is not single-use, because the user may
    /// have opened the page in two tabs; it is only ever a path at this server.
    pub async fn continuation(&self, id: &str) -> Result<Option<Continuation>, StoreUnavailable> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        self.ephemeral.get_json(&key(&id)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_url_is_stored_without_its_query_or_not_at_all() {
        let path = |target: &str| Continuation::to(target).path;
        assert_eq!(
            path("/admin/audit?action=user."),
            "/admin/audit?action=user."
        );
        let most = format!(
            "/account?{}",
            "x".repeat(MAX_LEN.saturating_sub("/account?".len()))
        );
        assert_eq!(path(&most), most);
        assert_eq!(path(&format!("{most}x")), "/account");
        let long = format!("/{}", "x".repeat(MAX_LEN));
        assert_eq!(path(&long), START);
        assert_eq!(path(&format!("{long}?a=b")), START);
    }
}
