//! Stores ceremonies between start and finish, each under its own random ID, for a single use.
//!
//! The ephemeral store only holds the state. The use is recorded ([`SingleUse`]) in the transaction that the ceremony authorizes,
//! so a ceremony is used once that is committed, and not before.

use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use super::Passkeys;
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::StoreUnavailable;
use crate::sessions::SingleUse;

/// What a ceremony is for, with everything that finishing it needs. None of it comes from the finishing request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum CeremonyPurpose {
    /// Create the first administrator.
    SetUp {
        link: String,
        person: NewUser,
        state: PasskeyRegistration,
    },
    /// Use an invitation, a recovery link, or a link for another device.
    Join {
        link: String,
        person: NewUser,
        state: PasskeyRegistration,
    },
    /// Add a passkey to the account of the signed-in user.
    Add {
        user: UserId,
        session: SessionId,
        state: PasskeyRegistration,
    },
    /// Sign in, and then redirect to the continuation with this ID.
    Login {
        continuation: Option<String>,
        state: DiscoverableAuthentication,
    },
    /// Authenticate the signed-in user again.
    StepUp {
        user: UserId,
        session: SessionId,
        state: DiscoverableAuthentication,
    },
}

/// The user who registers by a link, as far as known when the ceremony starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NewUser {
    pub(super) id: UserId,
    pub(super) username: Option<String>,
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ceremony {
    purpose: CeremonyPurpose,
    browser: String,
    expires_at: Timestamp,
}

/// Why a ceremony can't be finished.
#[derive(Debug, thiserror::Error)]
pub(super) enum CeremonyError {
    /// It was used, has expired, was started in another browser, or is unknown. Clients can't tell these apart.
    #[error("unknown ceremony: {0}")]
    Gone(&'static str),
    /// The ephemeral store is unavailable.
    #[error(transparent)]
    StoreUnavailable(#[from] StoreUnavailable),
}

fn key(id: TokenHash) -> String {
    format!("ceremony:{}", id.to_text())
}

impl Passkeys {
    /// Stores a ceremony for this browser, and returns its ID.
    pub(super) async fn store_ceremony(
        &self,
        purpose: CeremonyPurpose,
        browser: TokenHash,
    ) -> Result<Token, StoreUnavailable> {
        let id = Token::generate();
        let ceremony = Ceremony {
            purpose,
            browser: browser.to_text(),
            expires_at: self.clock.now().after(self.ceremony_timeout),
        };
        let text = serde_json::to_string(&ceremony)
            .map_err(|error| StoreUnavailable(format!("stored ceremony is not JSON: {error}")))?;
        self.ephemeral
            .put(&key(id.hash()), &text, self.ceremony_timeout)
            .await?;
        Ok(id)
    }

    /// Finds a ceremony of this browser. A ceremony that another browser tries to use is deleted.
    pub(super) async fn find_ceremony(
        &self,
        id: &str,
        browser: TokenHash,
    ) -> Result<(CeremonyPurpose, SingleUse), CeremonyError> {
        let id = Token::parse(id).ok_or(CeremonyError::Gone("malformed-id"))?;
        let stored = self.ephemeral.get(&[&key(id.hash())]).await?;
        let stored = stored.into_iter().next().flatten();
        let text = stored.ok_or(CeremonyError::Gone("used-or-unknown"))?;
        let ceremony: Ceremony =
            serde_json::from_str(&text).map_err(|_| CeremonyError::Gone("unreadable"))?;
        let single_use = SingleUse::new(id.hash(), ceremony.expires_at);
        if TokenHash::from_text(&ceremony.browser) != Some(browser) {
            self.discard_ceremony(single_use).await;
            return Err(CeremonyError::Gone("other-browser"));
        }
        // The expiry in the store is only for clean-up.
        if ceremony.expires_at <= self.clock.now() {
            return Err(CeremonyError::Gone("expired"));
        }
        Ok((ceremony.purpose, single_use))
    }

    /// Deletes a ceremony that was used or refused. If that fails, it remains until it expires, but a used one can't
    /// be used again.
    pub(super) async fn discard_ceremony(&self, single_use: SingleUse) {
        if let Err(error) = self.ephemeral.remove(&key(single_use.token())).await {
            tracing::warn!(%error, "can't delete a ceremony; it will expire");
        }
    }
}
