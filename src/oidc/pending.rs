//! A request that waits for its person: stored under an opaque id, bound to one browser. Pages carry the id and nothing else.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Oidc;
use super::interaction::{Answers, Before};
use super::request::AuthorizationRequest;
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::Away;

/// As long as somebody may look for their passkey.
const LIFE: Duration = Duration::from_secs(1_800);

/// The request, and how far its person has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The authorization request.
    pub request: AuthorizationRequest,
    /// SHA-256 of the mark of the browser that it belongs to. A request that another site posted carries no cookie: it belongs
    /// to the browser that opens it first.
    browser: Option<String>,
    /// Who was there when that browser brought it, if anybody.
    pub before: Option<Before>,
    /// What the person has answered.
    pub answers: Answers,
}

/// Why a pending request can't be had.
#[derive(Debug, thiserror::Error)]
pub enum PendingError {
    /// Answered, expired, another browser's, or never there: all look alike.
    #[error("unknown request: {0}")]
    Gone(&'static str),
    /// The store is away.
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
    /// Stores a request; the id under which pages name it.
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

    /// The request of an id, for this browser; the first browser that asks for an unbound one gets it.
    ///
    /// # Errors
    /// `Gone`, or the store is away.
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

    /// Notes an answer of the person.
    ///
    /// # Errors
    /// `Gone` when the request was answered meanwhile, or the store is away.
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
    /// response is sent all the same, because a code that was computed from the request can be redeemed only once.
    ///
    /// # Errors
    /// `Gone` for all others.
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
