//! The parent of a derived session: the reference to a user's session that another module stores in sessions of its own.
//!
//! A derived session is valid only while its parent passes the same check as a session. Using it extends its parent's idle
//! timeout, but it never makes an ended parent valid again.

use serde::{Deserialize, Serialize};

use super::Sessions;
use super::key::{LastSeen, last_seen_key};
use super::live::LiveSession;
use super::signed_in::{SignedIn, SignedInError};
use crate::account_state::{AccountState, AccountStates, SessionRef};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::ephemeral::{StoreUnavailable, to_json};

/// Parent session as it was when the derived session was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentSession {
    pub user: UserId,
    pub session: SessionId,
    passkeys: Vec<PasskeyId>,
    epoch: i64,
    /// Time of the last ceremony. A later one requires a new derived session.
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// `amr` of the sign-in: the authentication methods used.
    pub amr: Vec<String>,
    /// When the session expires, however much it is used.
    pub absolute_end: Timestamp,
}

impl ParentSession {
    /// Store keys whose values [`Sessions::check_parent`] needs, in this order.
    pub fn store_keys(user: UserId, session: SessionId) -> [String; 2] {
        [AccountStates::key(user), last_seen_key(user, session)]
    }

    fn session_ref(&self) -> SessionRef<'_> {
        SessionRef {
            session: self.session,
            epoch: self.epoch,
            passkeys: &self.passkeys,
            auth_time: None,
        }
    }
}

impl SignedIn {
    /// Returns this session as the parent of a derived session.
    pub fn to_parent_session(&self) -> ParentSession {
        let session = &self.session;
        ParentSession {
            user: session.user,
            session: session.id,
            passkeys: session.passkeys.clone(),
            epoch: session.epoch,
            auth_time: session.auth_time,
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            absolute_end: session.absolute_end,
        }
    }
}

impl Sessions {
    /// Checks the parent session as the session cookie's check does: it exists, has not expired, and the
    /// account state accepts it. `copies` are the values of [`ParentSession::store_keys`].
    pub async fn check_parent(
        &self,
        parent: &ParentSession,
        copies: [Option<String>; 2],
    ) -> Result<(AccountState, LastSeen), SignedInError> {
        let [account_state, last_seen] = copies;
        let now = self.clock.now();
        // Updated whenever the session's idle timeout is extended; deleted or left to expire when the session ends.
        let last_seen = last_seen.as_deref().and_then(LastSeen::parse);
        let last_seen = last_seen.ok_or(SignedInError::NotSignedIn("session-gone"))?;
        if now >= parent.absolute_end || now >= last_seen.at.after(self.idle_timeout) {
            return Err(SignedInError::NotSignedIn("expired"));
        }
        let record = account_state
            .as_deref()
            .and_then(AccountStates::cached_record);
        let account_state = self
            .check_account(parent.user, &parent.session_ref(), record)
            .await?;
        Ok((account_state, last_seen))
    }

    /// Extends the parent's idle timeout, as a request with the session cookie would. The live copy is under the session's
    /// current key, which a step-up may have changed since the derived session was created.
    pub fn touch_parent(&self, parent: &ParentSession, last_seen: LastSeen) {
        let now = self.clock.now();
        if now.since(last_seen.at) < self.idle_timeout / 10 {
            return;
        }
        let (sessions, parent) = (self.clone(), parent.clone());
        tokio::spawn(async move {
            if let Err(error) = sessions
                .extend_parent(&parent, &last_seen.live_copy, now)
                .await
            {
                tracing::warn!(%error, "can't update a session's idle time");
            }
        });
    }

    async fn extend_parent(
        &self,
        parent: &ParentSession,
        live_copy: &str,
        now: Timestamp,
    ) -> Result<(), StoreUnavailable> {
        let Some(text) = self.ephemeral.get_one(live_copy).await? else {
            return Ok(());
        };
        let Ok(live) = serde_json::from_str::<LiveSession>(&text) else {
            return Ok(());
        };
        if live.id != parent.session || live.is_over(now, self.idle_timeout) {
            return Ok(());
        }
        let touched = live.touched(now, self.idle_timeout);
        let (new, ttl) = (to_json(&touched)?, touched.time_to_live(now));
        if self.ephemeral.replace(live_copy, &text, &new, ttl).await? {
            self.update_last_seen(&touched, live_copy).await?;
        }
        Ok(())
    }
}
