//! The sign-in flow from a protected host to Doorward and back: a pending sign-in, then a handoff code that creates the
//! forward-auth session.
//!
//! Both are stored under the hash of a random ID, and their own `expires_at` is checked. A pending sign-in is removed by
//! an atomic read-and-delete when its code has been stored; the use of a code is recorded as a row in the database. Both
//! are bound to one browser at one host by a cookie that the host set, so that an attacker can't complete a sign-in in
//! another user's browser.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ForwardAuth;
use super::routes::AppHost;
use super::session::{ForwardAuthSessionError, ForwardAuthSessionKey};
use super::target::Target;
use crate::account_state::Unavailable;
use crate::base::clock::Timestamp;
use crate::base::secrets::{Token, TokenHash};
use crate::db;
use crate::ephemeral::{StoreUnavailable, to_json};
use crate::policies::StepUpRequirement;
use crate::sessions::{LiveSession, ParentSession, SignedIn, SingleUse, UseError};

/// Lifetime of a pending sign-in: enough for the user to find their passkey.
const PENDING_TTL: Duration = Duration::from_secs(900);
/// Lifetime of a handoff code: enough for the redirect.
const HANDOFF_CODE_TTL: Duration = Duration::from_secs(60);

/// Path at the protected host to which the browser returns with its handoff code.
pub const CALLBACK: &str = "/.doorward/callback";

/// A sign-in that waits for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    pub host: String,
    path: String,
    /// SHA-256 of the browser's cookie at the host.
    browser: String,
    /// Sign-in that a policy requires, if any.
    step_up: Option<StepUpRequirement>,
    began_at: Timestamp,
    expires_at: Timestamp,
}

impl PendingSignIn {
    /// Whether a session has one of the required `acr` values.
    pub fn has_required_acr(&self, session: &LiveSession) -> bool {
        self.step_up.as_ref().is_none_or(|step_up| {
            step_up.acr_values.is_empty() || step_up.acr_values.contains(&session.acr)
        })
    }

    /// Whether the session's last passkey authentication is recent enough. One after the start of this flow always is.
    fn is_fresh(&self, session: &LiveSession, now: Timestamp) -> bool {
        let most = self.step_up.as_ref().and_then(|step_up| step_up.max_age);
        most.is_none_or(|most| {
            now.since(session.auth_time).as_secs() <= most || session.auth_time > self.began_at
        })
    }
}

#[derive(Serialize, Deserialize)]
struct HandoffCode {
    host: String,
    path: String,
    browser: String,
    after_step_up: bool,
    expires_at: Timestamp,
    parent: ParentSession,
}

/// Why the flow can't continue.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The ID or code was used, has expired, belongs to another browser or host, or never existed. The response is the
    /// same for all of these.
    #[error("no target: {0}")]
    Gone(&'static str),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreUnavailable> for FlowError {
    fn from(error: StoreUnavailable) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<ForwardAuthSessionError> for FlowError {
    fn from(error: ForwardAuthSessionError) -> Self {
        match error {
            ForwardAuthSessionError::Invalid(reason) => Self::Gone(reason),
            ForwardAuthSessionError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

impl From<UseError> for FlowError {
    fn from(error: UseError) -> Self {
        match error {
            UseError::Used => Self::Gone("used"),
            // The code may have been used: the user starts again, and is redirected immediately because they are signed in.
            UseError::Database(db::Error::CommitUnknown(cause)) => {
                tracing::error!(cause, "the outcome of using a handoff code is unknown");
                Self::Gone("interrupted")
            }
            UseError::Database(error) => Self::Unavailable(error.into()),
        }
    }
}

fn request_key(id: &Token) -> String {
    format!("forward-auth-request:{}", id.hash().to_text())
}

fn code_key(code: &Token) -> String {
    format!("forward-auth-code:{}", code.hash().to_text())
}

impl ForwardAuth {
    /// Stores a pending sign-in, and returns the URL at Doorward where the flow continues.
    pub async fn begin(
        &self,
        target: &Target,
        browser: TokenHash,
        step_up: Option<StepUpRequirement>,
    ) -> Result<String, StoreUnavailable> {
        let id = Token::generate();
        let now = self.clock.now();
        let pending = PendingSignIn {
            host: target.host.authority().to_owned(),
            path: target.path_and_query().to_owned(),
            browser: browser.to_text(),
            step_up,
            began_at: now,
            expires_at: now.after(PENDING_TTL),
        };
        let key = request_key(&id);
        self.ephemeral
            .put(&key, &to_json(&pending)?, PENDING_TTL)
            .await?;
        Ok(self.public_url.with_path(&path_of(&id)))
    }

    pub async fn find_pending(&self, id: &str) -> Result<(Token, PendingSignIn), FlowError> {
        let id = Token::parse(id).ok_or(FlowError::Gone("no-id"))?;
        let stored = self.ephemeral.get_one(&request_key(&id)).await?;
        let pending = self.read_pending(stored)?;
        Ok((id, pending))
    }

    fn read_pending(&self, stored: Option<String>) -> Result<PendingSignIn, FlowError> {
        let stored = stored.ok_or(FlowError::Gone("not-found"))?;
        let pending: PendingSignIn =
            serde_json::from_str(&stored).map_err(|_| FlowError::Gone("unreadable"))?;
        if self.clock.now() >= pending.expires_at {
            return Err(FlowError::Gone("expired"));
        }
        Ok(pending)
    }

    /// Whether the user's sign-in meets the requirements of a pending sign-in.
    pub fn meets_requirement(&self, pending: &PendingSignIn, person: &SignedIn) -> bool {
        let session = &person.session;
        pending.has_required_acr(session) && pending.is_fresh(session, self.clock.now())
    }

    /// Issues a handoff code for a completed sign-in, and returns the callback URL at the protected host. The pending sign-in is
    /// deleted after the code is stored.
    ///
    /// # Errors
    /// [`FlowError::Gone`] for all but one of several concurrent calls, if the host is no longer protected, or if the sign-in
    /// is not sufficient.
    pub async fn issue(
        &self,
        id: &Token,
        pending: &PendingSignIn,
        person: &SignedIn,
    ) -> Result<String, FlowError> {
        // The route may have been removed in the meantime.
        let host = self.routes.host(&pending.host);
        let host = host.ok_or(FlowError::Gone("unknown-host"))?;
        if !self.meets_requirement(pending, person) {
            return Err(FlowError::Gone("not-enough"));
        }
        let code = Token::generate();
        let written = HandoffCode {
            host: pending.host.clone(),
            path: pending.path.clone(),
            browser: pending.browser.clone(),
            after_step_up: pending.step_up.is_some(),
            expires_at: self.clock.now().after(HANDOFF_CODE_TTL),
            parent: person.to_parent_session(),
        };
        let key = code_key(&code);
        self.ephemeral
            .put(&key, &to_json(&written)?, HANDOFF_CODE_TTL)
            .await?;
        match self.ephemeral.take(&request_key(id)).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.forget(&key).await;
                return Err(FlowError::Gone("answered"));
            }
            // The code is single-use even if the pending sign-in couldn't be deleted.
            Err(error) => {
                tracing::warn!(%error, "can't delete a completed request; it will expire");
            }
        }
        Ok(host.with_path(&format!("{CALLBACK}?code={}", code.expose())))
    }

    /// Redeems a handoff code at a host, and returns the key of the new forward-auth session and the path to continue to. The
    /// session is stored before the use of the code is committed; until then its key isn't returned to any browser.
    pub async fn redeem(
        &self,
        host: &AppHost,
        code: &str,
        browser: Option<TokenHash>,
    ) -> Result<(ForwardAuthSessionKey, String), FlowError> {
        let token = Token::parse(code).ok_or(FlowError::Gone("no-code"))?;
        let stored_at = code_key(&token);
        let stored = self.ephemeral.get_one(&stored_at).await?;
        let code = match self.read_code(stored, host, browser) {
            Ok(code) => code,
            Err(error) => {
                // A code that is tried at another host or in another browser is revoked.
                self.forget(&stored_at).await;
                return Err(error);
            }
        };
        let key = self
            .create_session(host.authority(), code.parent, code.after_step_up)
            .await?;
        let single_use = SingleUse::new(token.hash(), code.expires_at);
        let used = self.sessions.consume(single_use).await;
        if let Err(error) = used {
            if let Err(error) = self.end_session(&key).await {
                tracing::warn!(%error, "can't delete an unused forward-auth session; it will expire");
            }
            return Err(error.into());
        }
        self.forget(&stored_at).await;
        Ok((key, code.path))
    }

    /// Parses the stored code, and checks that it hasn't expired and belongs to this host and browser.
    fn read_code(
        &self,
        stored: Option<String>,
        host: &AppHost,
        browser: Option<TokenHash>,
    ) -> Result<HandoffCode, FlowError> {
        let stored = stored.ok_or(FlowError::Gone("not-found"))?;
        let code: HandoffCode =
            serde_json::from_str(&stored).map_err(|_| FlowError::Gone("unreadable"))?;
        if self.clock.now() >= code.expires_at {
            return Err(FlowError::Gone("expired"));
        }
        if code.host != host.authority() {
            return Err(FlowError::Gone("other-host"));
        }
        let bound = TokenHash::from_text(&code.browser);
        if browser.is_none() || bound != browser {
            return Err(FlowError::Gone("other-browser"));
        }
        Ok(code)
    }

    async fn forget(&self, key: &str) {
        if let Err(error) = self.ephemeral.remove(key).await {
            tracing::warn!(%error, "can't delete a handoff code; it will expire");
        }
    }

    /// Deletes a forward-auth session that was replaced or that the user ended; its parent session continues.
    pub async fn end_session(&self, key: &ForwardAuthSessionKey) -> Result<(), StoreUnavailable> {
        self.ephemeral.remove(&key.store_key()).await
    }
}

/// Path of Doorward's page where a pending sign-in continues.
pub fn path_of(id: &Token) -> String {
    format!("/forward-auth/login?id={}", id.expose())
}
