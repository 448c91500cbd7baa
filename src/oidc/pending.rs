//! Authorization requests that wait for the user: stored under an opaque ID and bound to one browser. Pages contain only the ID.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Oidc;
use super::interaction::{SessionSnapshot, UserAnswers};
use super::request::AuthorizationRequest;
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::{StoreUnavailable, to_json};

/// How long a request is stored after its last change.
const TTL: Duration = Duration::from_secs(1_800);

/// A stored authorization request, with the user's answers so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRequest {
    pub request: AuthorizationRequest,
    /// SHA-256 of the identifying cookie of the browser that the request is bound to. A request that another site posted carries
    /// no cookie: it is bound to the first browser that opens it.
    browser: Option<String>,
    /// The browser's session when the request was bound to it, if it had one.
    pub initial_session: Option<SessionSnapshot>,
    pub answers: UserAnswers,
}

/// Why a stored request is not available.
#[derive(Debug, thiserror::Error)]
pub enum PendingRequestError {
    /// The request was completed, expired, is another browser's or never existed, with a reason for the log. All look alike.
    #[error("unknown request: {0}")]
    Gone(&'static str),
    #[error(transparent)]
    StoreUnavailable(#[from] StoreUnavailable),
}

fn key(id: &Token) -> String {
    format!("authorize:{}", id.hash().to_text())
}

impl Oidc {
    /// Stores a request, and returns its ID. Without `binding`, the first browser that opens the request is bound.
    pub async fn store_pending(
        &self,
        request: AuthorizationRequest,
        binding: Option<(TokenHash, Option<SessionSnapshot>)>,
    ) -> Result<Token, StoreUnavailable> {
        let id = Token::generate();
        let pending = PendingRequest {
            request,
            browser: binding.map(|(browser, _)| browser.to_text()),
            initial_session: binding.and_then(|(_, session)| session),
            answers: UserAnswers::default(),
        };
        self.ephemeral
            .put(&key(&id), &to_json(&pending)?, TTL)
            .await?;
        Ok(id)
    }

    /// Returns this browser's request. An unbound request is bound by compare-and-set to the first browser that asks.
    pub async fn find_pending(
        &self,
        id: &str,
        browser: TokenHash,
        current_session: Option<SessionSnapshot>,
    ) -> Result<(Token, PendingRequest), PendingRequestError> {
        let id = Token::parse(id).ok_or(PendingRequestError::Gone("no-id"))?;
        let stored = self.ephemeral.get_one(&key(&id)).await?;
        let stored = stored.ok_or(PendingRequestError::Gone("not-found"))?;
        let mut pending: PendingRequest =
            serde_json::from_str(&stored).map_err(|_| PendingRequestError::Gone("unreadable"))?;
        match pending.browser.as_deref().map(TokenHash::from_text) {
            Some(bound) if bound == Some(browser) => {}
            Some(_) => return Err(PendingRequestError::Gone("other-browser")),
            None => {
                pending.browser = Some(browser.to_text());
                pending.initial_session = current_session;
                let bound = to_json(&pending)?;
                if !self
                    .ephemeral
                    .replace(&key(&id), &stored, &bound, TTL)
                    .await?
                {
                    return Err(PendingRequestError::Gone("bound-concurrently"));
                }
            }
        }
        Ok((id, pending))
    }

    /// Stores the user's answers by compare-and-set.
    ///
    /// # Errors
    /// `Gone` if the request has changed or was completed since it was read.
    pub async fn store_answers(
        &self,
        id: &Token,
        before: &PendingRequest,
        answers: UserAnswers,
    ) -> Result<PendingRequest, PendingRequestError> {
        let after = PendingRequest {
            answers,
            ..before.clone()
        };
        let (old, new) = (to_json(before)?, to_json(&after)?);
        if old != new && !self.ephemeral.replace(&key(id), &old, &new, TTL).await? {
            return Err(PendingRequestError::Gone("changed-concurrently"));
        }
        Ok(after)
    }

    /// Deletes the request; only one concurrent caller succeeds. If the store is unavailable, the caller may still respond: the
    /// code is derived from the request's ID, so all callers have the same single-use code.
    ///
    /// # Errors
    /// `Gone` for all other callers.
    pub async fn take_pending(&self, id: &Token) -> Result<(), PendingRequestError> {
        match self.ephemeral.take(&key(id)).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(PendingRequestError::Gone("answered")),
            Err(error) => {
                tracing::warn!(%error, "can't delete a completed request; it will expire");
                Ok(())
            }
        }
    }
}
