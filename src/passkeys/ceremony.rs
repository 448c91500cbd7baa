//! Stores ceremonies between start and finish, each under its own random ID, for a single use.
//!
//! The ephemeral store only holds the state. The use is recorded ([`SingleUse`]) in the transaction that the ceremony authorizes,
//! so a ceremony is used once that is committed, and not before.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use super::Passkeys;
use super::error::CeremonyError;
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::{StoreUnavailable, to_json};
use crate::sessions::SingleUse;
use crate::users::JoinRequest;

/// What a ceremony is for, with everything that finishing it needs. None of it comes from the finishing request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum CeremonyPurpose {
    Register(Registration, PasskeyRegistration),
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

/// What a passkey is registered by: the hash of a link and what its user entered, or a session.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Registration {
    /// Create the first administrator.
    SetUp(String, JoinRequest),
    /// Use an invitation, a recovery link, or a link for another device.
    Join(String, JoinRequest),
    /// Add a passkey to the account of the signed-in user.
    Add(UserId, SessionId),
}

/// A started ceremony.
#[derive(Debug)]
pub(super) struct CeremonyStart {
    pub(super) ceremony: Token,
    pub(super) public_key: Value,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ceremony {
    purpose: CeremonyPurpose,
    browser: String,
    expires_at: Timestamp,
}

fn key(id: TokenHash) -> String {
    format!("ceremony:{}", id.to_text())
}

impl Passkeys {
    /// Stores a ceremony for this browser, and returns its ID with the options.
    pub(super) async fn store_ceremony(
        &self,
        public_key: Value,
        purpose: CeremonyPurpose,
        browser: TokenHash,
    ) -> Result<CeremonyStart, StoreUnavailable> {
        let id = Token::generate();
        let ceremony = Ceremony {
            purpose,
            browser: browser.to_text(),
            expires_at: self.clock.now().after(self.ceremony_timeout),
        };
        self.ephemeral
            .put(&key(id.hash()), &to_json(&ceremony)?, self.ceremony_timeout)
            .await?;
        Ok(CeremonyStart {
            ceremony: id,
            public_key,
        })
    }

    /// Finds a ceremony of this browser. A ceremony that another browser tries to use is deleted.
    pub(super) async fn find_ceremony(
        &self,
        id: &str,
        browser: TokenHash,
    ) -> Result<(CeremonyPurpose, SingleUse), CeremonyError> {
        let id = Token::parse(id).ok_or(CeremonyError::Gone("malformed-id"))?;
        let stored = self.ephemeral.get_one(&key(id.hash())).await?;
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

    /// Deletes a ceremony after an attempt to finish it, unless it can be repeated because a store was unavailable.
    pub(super) async fn settle<T>(
        &self,
        single_use: SingleUse,
        finished: Result<T, CeremonyError>,
    ) -> Result<T, CeremonyError> {
        if finished.as_ref().err().is_none_or(CeremonyError::is_final) {
            self.discard_ceremony(single_use).await;
        }
        finished
    }

    /// Deletes a ceremony that was used or refused. If that fails, it remains until it expires, but a used one can't
    /// be used again.
    async fn discard_ceremony(&self, single_use: SingleUse) {
        if let Err(error) = self.ephemeral.remove(&key(single_use.token())).await {
            tracing::warn!(%error, "can't delete a ceremony; it will expire");
        }
    }
}
