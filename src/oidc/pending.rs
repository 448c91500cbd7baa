//! Authorization requests that wait for the user: stored under an opaque ID and bound to one browser. Pages contain only the ID.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Oidc;
use super::interaction::{Answers, Before};
use super::request::AuthorizationRequest;
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::Away;

/// How long a request is stored after its last change.
const LIFE: Duration = Duration::from_secs(1_800);

/// A stored authorization request, with the user's answers so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The authorization request.
    pub request: AuthorizationRequest,
    /// SHA-256 of the identifying cookie of the browser that the request is bound to. A request that another site posted carries
    /// no cookie: it is bound to the first browser that opens it.
    browser: Option<String>,
    /// The browser's session when the request was bound to it, if it had one.
    pub before: Option<Before>,
    /// The user's answers so far.
    pub answers: Answers,
}

/// Why a stored request is not available.
#[derive(Debug, thiserror::Error)]
pub enum PendingError {
    /// The request was completed, expired, is another browser's or never existed, with a reason for the log. All look alike.
    #[error("unknown request: {0}")]
    Gone(&'static str),
    /// The ephemeral store is unavailable.
    #[error(transparent)]
    Away(#[from] Away),
}

fn key(id: &Token) -> String {
    format!("authorize:{}", id.hash().to_text())
}

fn text(pending: &Pending) -> Result<String, Away> {
    serde_json::to_string(pending)
        .map_err(|error| Away(format!("stored request is not JSON: {error}")))
}

impl Oidc {
    /// Stores a request, and returns its ID. Without a browser in `from`, the request is not bound yet.
    pub async fn keep(
        &self,
        request: AuthorizationRequest,
        from: Option<(TokenHash, Option<Before>)>,
    ) -> Result<Token, Away> {
        let id = Token::generate();
        let pending = Pending {
            request,
            browser: from.map(|(browser, _)| browser.to_text()),
            before: from.and_then(|(_, before)| before),
            answers: Answers::default(),
        };
        self.ephemeral
            .put(&key(&id), &text(&pending)?, LIFE)
            .await?;
        Ok(id)
    }

    /// Returns this browser's request. An unbound request is bound by compare-and-set to the first browser that asks.
    ///
    /// # Errors
    /// `Gone` if there is no such request for this browser.
    pub async fn find_pending(
        &self,
        id: &str,
        browser: TokenHash,
        now_there: Option<Before>,
    ) -> Result<(Token, Pending), PendingError> {
        let id = Token::parse(id).ok_or(PendingError::Gone("no-id"))?;
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let stored = stored.into_iter().next().flatten();
        let stored = stored.ok_or(PendingError::Gone("not-there"))?;
        let mut pending: Pending =
            serde_json::from_str(&stored).map_err(|_| PendingError::Gone("unreadable"))?;
        match pending.browser.as_deref().map(TokenHash::from_text) {
            Some(bound) if bound == Some(browser) => {}
            Some(_) => return Err(PendingError::Gone("other-browser")),
            None => {
                pending.browser = Some(browser.to_text());
                pending.before = now_there;
                let bound = text(&pending)?;
                if !self
                    .ephemeral
                    .replace(&key(&id), &stored, &bound, LIFE)
                    .await?
                {
                    return Err(PendingError::Gone("bound-meanwhile"));
                }
            }
        }
        Ok((id, pending))
    }

    /// Stores the user's answers by compare-and-set.
    ///
    /// # Errors
    /// `Gone` if the request has changed or was completed since it was read.
    pub async fn note_answers(
        &self,
        id: &Token,
        before: &Pending,
        answers: Answers,
    ) -> Result<Pending, PendingError> {
        let after = Pending {
            answers,
            ..before.clone()
        };
        let (old, new) = (text(before)?, text(&after)?);
        if old != new && !self.ephemeral.replace(&key(id), &old, &new, LIFE).await? {
            return Err(PendingError::Gone("changed-meanwhile"));
        }
        Ok(after)
    }

    /// Consumes a request when its response is ready: of any number of callers one may send it. If the store is unavailable, the
    /// response is sent anyway, because a code that was computed from the request can be redeemed only once.
    ///
    /// # Errors
    /// `Gone` for all other callers.
    pub async fn take_pending(&self, id: &Token) -> Result<(), PendingError> {
        match self.ephemeral.take(&key(id)).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(PendingError::Gone("answered")),
            Err(error) => {
                tracing::warn!(%error, "can't delete a completed request; it will expire");
                Ok(())
            }
        }
    }
}
