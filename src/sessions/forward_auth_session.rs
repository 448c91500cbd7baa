//! Forward-auth sessions: the sessions of a browser at protected hosts behind a proxy.
//!
//! The session cookie is never sent to other hosts, so each protected host has a cookie of its own. It identifies a child of the
//! user's session, the parent. The child is valid for forward-auth at that one host only, and only while its parent passes the
//! same check as a session. It never becomes a session itself. Using it extends its parent's idle timeout, but it never makes an
//! ended parent valid again.

mod cookies;
mod key;

use serde::{Deserialize, Serialize};

use super::key::{LastSeen, last_seen_key};
use super::live::LiveSession;
use super::signed_in::{SignedIn, SignedInError};
use super::{Sessions, new_session};
use crate::account_state::{AccountState, AccountStates, SessionRef, Unavailable};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::ephemeral::StoreUnavailable;

pub use cookies::ForwardAuthCookies;
pub use key::ForwardAuthSessionKey;

/// Parent session as it was when the forward-auth session was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentSession {
    /// ID of the session's user.
    pub user: UserId,
    /// ID of the session.
    pub session: SessionId,
    /// Passkeys that the session depended on.
    passkeys: Vec<PasskeyId>,
    epoch: i64,
    /// Time of the last ceremony. A later one requires a new forward-auth session.
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// `amr` of the sign-in: the authentication methods used.
    pub amr: Vec<String>,
    /// When the session expires, however much it is used.
    pub absolute_end: Timestamp,
}

impl ParentSession {
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
    /// Returns this session as the parent of a forward-auth session.
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

/// Forward-auth session; stored under the hash of its cookie's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardAuthSession {
    /// The only host at which it is valid.
    pub host: String,
    /// Parent session.
    pub parent: ParentSession,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Whether it was created because a policy required a more recent or stronger sign-in.
    pub after_step_up: bool,
}

/// Valid forward-auth session and the account state of its user.
#[derive(Clone, Debug)]
pub struct CheckedForwardAuthSession {
    /// Forward-auth session.
    pub forward_auth_session: ForwardAuthSession,
    /// Account state of the user, read for this request.
    pub account_state: AccountState,
}

/// Why there is no valid forward-auth session.
#[derive(Debug, thiserror::Error)]
pub enum ForwardAuthSessionError {
    /// It doesn't exist, belongs to another host, or its parent session is no longer valid; with a reason code for the log.
    #[error("no forward-auth session: {0}")]
    Invalid(&'static str),
    /// A store is unavailable, so the session can't be checked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreUnavailable> for ForwardAuthSessionError {
    fn from(error: StoreUnavailable) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<SignedInError> for ForwardAuthSessionError {
    fn from(error: SignedInError) -> Self {
        match error {
            SignedInError::NotSignedIn(reason) => Self::Invalid(reason),
            // Requests at protected hosts don't come from Doorward's pages.
            SignedInError::OtherUser(_) => Self::Invalid("other-user"),
            SignedInError::Unavailable(error) => Self::Unavailable(error),
            SignedInError::StoreUnavailable | SignedInError::NoSessionMiddleware => {
                Self::Unavailable(StoreUnavailable("the live session was not read".into()).into())
            }
        }
    }
}

impl Sessions {
    /// Creates a forward-auth session for a host if its parent session is valid. Returns the key for the browser's cookie.
    ///
    /// # Errors
    /// `Closed` if the parent is not valid, or a store is unavailable.
    pub async fn create_forward_auth_session(
        &self,
        host: &str,
        parent: ParentSession,
        after_step_up: bool,
    ) -> Result<ForwardAuthSessionKey, ForwardAuthSessionError> {
        let keys = [
            AccountStates::key(parent.user),
            last_seen_key(parent.user, parent.session),
        ];
        let copies = self.ephemeral.get(&[&keys[0], &keys[1]]).await?;
        let [account_state, last_seen] = in_order(copies);
        self.check_parent(&parent, account_state.as_deref(), last_seen.as_deref())
            .await?;
        let now = self.clock.now();
        let key = ForwardAuthSessionKey::generate(parent.user, parent.session);
        let forward_auth_session = ForwardAuthSession {
            host: host.to_owned(),
            created_at: now,
            after_step_up,
            parent,
        };
        let text = serde_json::to_string(&forward_auth_session).map_err(|error| {
            StoreUnavailable(format!("stored forward-auth session is not JSON: {error}"))
        })?;
        let ttl = forward_auth_session.parent.absolute_end.since(now);
        self.ephemeral.put(&key.store_key(), &text, ttl).await?;
        Ok(key)
    }

    /// Checks a forward-auth session at a host in one round trip. Also returns the value of the store key `beside`,
    /// read together with it.
    pub async fn check_forward_auth_session(
        &self,
        key: &ForwardAuthSessionKey,
        host: &str,
        beside: &str,
    ) -> Result<(CheckedForwardAuthSession, Option<String>), ForwardAuthSessionError> {
        let (user, session) = (key.user(), key.session());
        let keys = [
            key.store_key(),
            AccountStates::key(user),
            last_seen_key(user, session),
        ];
        let copies = self
            .ephemeral
            .get(&[&keys[0], &keys[1], &keys[2], beside])
            .await?;
        let [forward_auth_session, account_state, last_seen, beside] = in_order(copies);
        let text = forward_auth_session
            .ok_or(ForwardAuthSessionError::Invalid("no-forward-auth-session"))?;
        let forward_auth_session: ForwardAuthSession = serde_json::from_str(&text)
            .map_err(|_| ForwardAuthSessionError::Invalid("unreadable"))?;
        if forward_auth_session.host != host {
            return Err(ForwardAuthSessionError::Invalid("other-host"));
        }
        if forward_auth_session.parent.user != user
            || forward_auth_session.parent.session != session
        {
            return Err(ForwardAuthSessionError::Invalid("other-session"));
        }
        let (account_state, last_seen) = self
            .check_parent(
                &forward_auth_session.parent,
                account_state.as_deref(),
                last_seen.as_deref(),
            )
            .await?;
        self.touch_parent(&forward_auth_session.parent, last_seen);
        Ok((
            CheckedForwardAuthSession {
                forward_auth_session,
                account_state,
            },
            beside,
        ))
    }

    /// Deletes a forward-auth session; its parent session continues.
    pub async fn delete_forward_auth_session(
        &self,
        key: &ForwardAuthSessionKey,
    ) -> Result<(), StoreUnavailable> {
        self.ephemeral.remove(&key.store_key()).await
    }

    /// Checks the parent session as the session cookie's check does: it exists, has not expired, and the
    /// account state accepts it.
    async fn check_parent(
        &self,
        parent: &ParentSession,
        account_state: Option<&str>,
        last_seen: Option<&str>,
    ) -> Result<(AccountState, LastSeen), ForwardAuthSessionError> {
        let now = self.clock.now();
        // Updated whenever the session's idle timeout is extended; deleted or left to expire when the session ends.
        let last_seen = last_seen.and_then(LastSeen::parse);
        let last_seen = last_seen.ok_or(ForwardAuthSessionError::Invalid("session-gone"))?;
        if now >= parent.absolute_end || now >= last_seen.at.after(self.idle_timeout) {
            return Err(ForwardAuthSessionError::Invalid("expired"));
        }
        let record = account_state.and_then(AccountStates::cached_record);
        let account_state = self
            .check_account(parent.user, &parent.session_ref(), record)
            .await?;
        Ok((account_state, last_seen))
    }

    /// Extends the parent's idle timeout, as a request with the session cookie would. The live copy is under the session's
    /// current key, which a step-up may have changed since the forward-auth session was created.
    fn touch_parent(&self, parent: &ParentSession, last_seen: LastSeen) {
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
        let copies = self.ephemeral.get(&[live_copy]).await?;
        let Some(text) = copies.into_iter().next().flatten() else {
            return Ok(());
        };
        let Ok(live) = serde_json::from_str::<LiveSession>(&text) else {
            return Ok(());
        };
        if live.id != parent.session || live.is_over(now, self.idle_timeout) {
            return Ok(());
        }
        let touched = live.touched(now, self.idle_timeout);
        let (new, ttl) = (new_session::live_json(&touched)?, touched.time_to_live(now));
        if self.ephemeral.replace(live_copy, &text, &new, ttl).await? {
            self.update_last_seen(&touched, live_copy).await?;
        }
        Ok(())
    }
}

/// Returns the values of a batch read as an array, in the order of the keys.
fn in_order<const N: usize>(copies: Vec<Option<String>>) -> [Option<String>; N] {
    let mut copies = copies.into_iter();
    std::array::from_fn(|_| copies.next().flatten())
}
