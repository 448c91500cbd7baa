//! A ceremony under way: kept here, under its own random id, and taken once.

use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use super::Passkeys;
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::Away;

/// What a ceremony is for, with all that its finish will need. None of it comes from the finishing request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// Make the first administrator.
    SetUp {
        link: String,
        person: NewPerson,
        state: PasskeyRegistration,
    },
    /// Use an invitation.
    Join {
        link: String,
        person: NewPerson,
        state: PasskeyRegistration,
    },
    /// Add a passkey to the account of whoever is signed in.
    Add {
        user: UserId,
        session: SessionId,
        state: PasskeyRegistration,
    },
    /// Sign in; where to go then.
    Login {
        continuation: Option<String>,
        state: DiscoverableAuthentication,
    },
    /// Prove once more that it is this person.
    StepUp {
        user: UserId,
        session: SessionId,
        state: DiscoverableAuthentication,
    },
}

/// Who comes in, as far as it was known at the start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NewPerson {
    pub(super) id: UserId,
    pub(super) username: Option<String>,
    pub(super) display_name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ceremony {
    purpose: Purpose,
    browser: String,
    expires_at: Timestamp,
}

/// Why a ceremony can't be finished.
#[derive(Debug, thiserror::Error)]
pub(super) enum TakeError {
    /// Used, expired, another browser's, or never begun: all look alike.
    #[error("no such ceremony: {0}")]
    Gone(&'static str),
    /// The ephemeral store is away.
    #[error(transparent)]
    Away(#[from] Away),
}

fn key(id: &Token) -> String {
    format!("ceremony:{}", id.hash().to_text())
}

impl Passkeys {
    /// Keeps a ceremony for this browser, and returns its id.
    pub(super) async fn keep(&self, purpose: Purpose, browser: TokenHash) -> Result<Token, Away> {
        let id = Token::generate();
        let ceremony = Ceremony {
            purpose,
            browser: browser.to_text(),
            expires_at: self.clock.now().after(self.ceremony_timeout),
        };
        let text = serde_json::to_string(&ceremony)
            .map_err(|error| Away(format!("a ceremony that is no JSON: {error}")))?;
        self.ephemeral
            .put(&key(&id), &text, self.ceremony_timeout)
            .await?;
        Ok(id)
    }

    /// Takes a ceremony: whatever comes of it, nobody else can take it again.
    pub(super) async fn take(&self, id: &str, browser: TokenHash) -> Result<Purpose, TakeError> {
        let id = Token::parse(id).ok_or(TakeError::Gone("malformed-id"))?;
        let text = self.ephemeral.take(&key(&id)).await?;
        let text = text.ok_or(TakeError::Gone("used-or-unknown"))?;
        let ceremony: Ceremony =
            serde_json::from_str(&text).map_err(|_| TakeError::Gone("unreadable"))?;
        if TokenHash::from_text(&ceremony.browser) != Some(browser) {
            return Err(TakeError::Gone("other-browser"));
        }
        // The store's own expiry only tidies up.
        if ceremony.expires_at <= self.clock.now() {
            return Err(TakeError::Gone("expired"));
        }
        Ok(ceremony.purpose)
    }
}
