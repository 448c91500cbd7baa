//! Forward-auth sessions: the sessions of a browser at protected hosts behind a proxy.
//!
//! The session cookie is never sent to other hosts, so each protected host has a cookie of its own. It identifies a child of the
//! user's session, the parent. The child is valid for forward-auth at that one host only, and only while its parent passes the
//! same check as a session. It never becomes a session itself. Using it extends its parent's idle timeout, but it never makes an
//! ended parent valid again.

mod key;

use serde::{Deserialize, Serialize};

use super::ForwardAuth;
use crate::account_state::{AccountState, Unavailable};
use crate::base::clock::Timestamp;
use crate::ephemeral::{StoreUnavailable, to_json};
use crate::sessions::{ParentSession, SignedInError};

pub use key::ForwardAuthSessionKey;

/// Forward-auth session; stored under the hash of its cookie's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardAuthSession {
    /// The only host at which it is valid.
    pub host: String,
    pub parent: ParentSession,
    pub created_at: Timestamp,
    /// Whether it was created because a policy required a more recent or stronger sign-in.
    pub after_step_up: bool,
}

/// Valid forward-auth session and the account state of its user.
#[derive(Clone, Debug)]
pub struct CheckedForwardAuthSession {
    pub forward_auth_session: ForwardAuthSession,
    pub account_state: AccountState,
}

/// Why there is no valid forward-auth session.
#[derive(Debug, thiserror::Error)]
pub enum ForwardAuthSessionError {
    /// It doesn't exist, belongs to another host, or its parent session is no longer valid; with a reason code for the log.
    #[error("no forward-auth session: {0}")]
    Invalid(&'static str),
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

impl ForwardAuth {
    /// Creates a forward-auth session for a host if its parent session is valid. Returns the key for the browser's cookie.
    pub(super) async fn create_session(
        &self,
        host: &str,
        parent: ParentSession,
        after_step_up: bool,
    ) -> Result<ForwardAuthSessionKey, ForwardAuthSessionError> {
        let keys = ParentSession::store_keys(parent.user, parent.session);
        let copies = self.ephemeral.get(&[&keys[0], &keys[1]]).await?;
        self.sessions
            .check_parent(&parent, in_order(copies))
            .await?;
        let now = self.clock.now();
        let key = ForwardAuthSessionKey::generate(parent.user, parent.session);
        let forward_auth_session = ForwardAuthSession {
            host: host.to_owned(),
            created_at: now,
            after_step_up,
            parent,
        };
        let text = to_json(&forward_auth_session)?;
        let ttl = forward_auth_session.parent.absolute_end.since(now);
        self.ephemeral.put(&key.store_key(), &text, ttl).await?;
        Ok(key)
    }

    /// Checks a forward-auth session at a host in one round trip. Also returns the value of the store key `beside`,
    /// read together with it.
    pub(super) async fn check_session(
        &self,
        key: &ForwardAuthSessionKey,
        host: &str,
        beside: &str,
    ) -> Result<(CheckedForwardAuthSession, Option<String>), ForwardAuthSessionError> {
        let (user, session) = (key.user, key.session);
        let own_key = key.store_key();
        let parent_keys = ParentSession::store_keys(user, session);
        let copies = self
            .ephemeral
            .get(&[&own_key, &parent_keys[0], &parent_keys[1], beside])
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
            .sessions
            .check_parent(&forward_auth_session.parent, [account_state, last_seen])
            .await?;
        self.sessions
            .touch_parent(&forward_auth_session.parent, last_seen);
        Ok((
            CheckedForwardAuthSession {
                forward_auth_session,
                account_state,
            },
            beside,
        ))
    }
}

/// Returns the values of a batch read as an array, in the order of the keys.
fn in_order<const N: usize>(copies: Vec<Option<String>>) -> [Option<String>; N] {
    let mut copies = copies.into_iter();
    std::array::from_fn(|_| copies.next().flatten())
}
