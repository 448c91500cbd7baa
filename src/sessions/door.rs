//! Forward-auth sessions: the sessions of a browser at protected hosts behind a proxy.
//!
//! The session cookie is never sent to other hosts, so each protected host has a cookie of its own. It identifies a child of the
//! user's session, the parent. The child is valid for forward-auth at that one host only, and only while its parent passes the
//! same check as a session. It never becomes a session itself. Using it extends its parent's idle timeout, but it never makes an
//! ended parent valid again.

mod cookies;
mod key;

use serde::{Deserialize, Serialize};

use super::key::{Seen, seen_key};
use super::live::LiveSession;
use super::signed_in::{SignedIn, SignedInError};
use super::{Sessions, begin};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::ephemeral::Away;
use crate::standing::{Claim, Standing, Standings, Unavailable};

pub use cookies::DoorCookies;
pub use key::DoorKey;

/// Parent session as it was when the forward-auth session was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lent {
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

impl Lent {
    fn claim(&self) -> Claim<'_> {
        Claim {
            session: self.session,
            epoch: self.epoch,
            passkeys: &self.passkeys,
            auth_time: None,
        }
    }
}

impl SignedIn {
    /// Returns this session as the parent of a forward-auth session.
    pub fn lend(&self) -> Lent {
        let session = &self.session;
        Lent {
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
pub struct Door {
    /// The only host at which it is valid.
    pub host: String,
    /// Parent session.
    pub lent: Lent,
    /// Time of creation.
    pub opened_at: Timestamp,
    /// Whether it was created because a policy required a more recent or stronger sign-in.
    pub after_step_up: bool,
}

/// Valid forward-auth session and the account state of its user.
#[derive(Clone, Debug)]
pub struct OpenDoor {
    /// Forward-auth session.
    pub door: Door,
    /// Account state of the user, read for this request.
    pub standing: Standing,
}

/// Why there is no valid forward-auth session.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// It doesn't exist, belongs to another host, or its parent session is no longer valid; with a reason code for the log.
    #[error("no forward-auth session: {0}")]
    Closed(&'static str),
    /// A store is unavailable, so the session can't be checked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<Away> for DoorError {
    fn from(error: Away) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<SignedInError> for DoorError {
    fn from(error: SignedInError) -> Self {
        match error {
            SignedInError::Nobody(reason) => Self::Closed(reason),
            // Requests at protected hosts don't come from Doorward's pages.
            SignedInError::OtherUser(_) => Self::Closed("other-user"),
            SignedInError::Unavailable(error) => Self::Unavailable(error),
            SignedInError::Away | SignedInError::Misplaced => {
                Self::Unavailable(Away("the live session was not read".into()).into())
            }
        }
    }
}

impl Sessions {
    /// Creates a forward-auth session for a host if its parent session is valid. Returns the key for the browser's cookie.
    ///
    /// # Errors
    /// `Closed` if the parent is not valid, or a store is unavailable.
    pub async fn open_door(
        &self,
        host: &str,
        lent: Lent,
        after_step_up: bool,
    ) -> Result<DoorKey, DoorError> {
        let keys = [Standings::key(lent.user), seen_key(lent.user, lent.session)];
        let copies = self.ephemeral.get(&[&keys[0], &keys[1]]).await?;
        let [standing, seen] = in_order(copies);
        self.judge_door(&lent, standing.as_deref(), seen.as_deref())
            .await?;
        let now = self.clock.now();
        let key = DoorKey::generate(lent.user, lent.session);
        let door = Door {
            host: host.to_owned(),
            opened_at: now,
            after_step_up,
            lent,
        };
        let text = serde_json::to_string(&door)
            .map_err(|error| Away(format!("stored forward-auth session is not JSON: {error}")))?;
        let ttl = door.lent.absolute_end.since(now);
        self.ephemeral.put(&key.store_key(), &text, ttl).await?;
        Ok(key)
    }

    /// Checks a forward-auth session at a host in one round trip. Also returns the value of the store key `beside`,
    /// read together with it.
    pub async fn check_door(
        &self,
        key: &DoorKey,
        host: &str,
        beside: &str,
    ) -> Result<(OpenDoor, Option<String>), DoorError> {
        let (user, session) = (key.user(), key.session());
        let keys = [
            key.store_key(),
            Standings::key(user),
            seen_key(user, session),
        ];
        let copies = self
            .ephemeral
            .get(&[&keys[0], &keys[1], &keys[2], beside])
            .await?;
        let [door, standing, seen, beside] = in_order(copies);
        let text = door.ok_or(DoorError::Closed("no-door"))?;
        let door: Door =
            serde_json::from_str(&text).map_err(|_| DoorError::Closed("unreadable"))?;
        if door.host != host {
            return Err(DoorError::Closed("other-host"));
        }
        if door.lent.user != user || door.lent.session != session {
            return Err(DoorError::Closed("other-session"));
        }
        let (standing, seen) = self
            .judge_door(&door.lent, standing.as_deref(), seen.as_deref())
            .await?;
        self.touch_parent(&door.lent, seen);
        Ok((OpenDoor { door, standing }, beside))
    }

    /// Deletes a forward-auth session; its parent session continues.
    pub async fn close_door(&self, key: &DoorKey) -> Result<(), Away> {
        self.ephemeral.remove(&key.store_key()).await
    }

    /// Checks the parent session as the session cookie's check does: it exists, has not expired, and the
    /// account state accepts it.
    async fn judge_door(
        &self,
        lent: &Lent,
        standing: Option<&str>,
        seen: Option<&str>,
    ) -> Result<(Standing, Seen), DoorError> {
        let now = self.clock.now();
        // Updated whenever the session's idle timeout is extended; deleted or left to expire when the session ends.
        let seen = seen.and_then(Seen::parse);
        let seen = seen.ok_or(DoorError::Closed("session-gone"))?;
        if now >= lent.absolute_end || now >= seen.at.after(self.idle_timeout) {
            return Err(DoorError::Closed("expired"));
        }
        let record = standing.and_then(Standings::record_in);
        let standing = self.judge(lent.user, &lent.claim(), record).await?;
        Ok((standing, seen))
    }

    /// Extends the parent's idle timeout, as a request with the session cookie would. The live copy is under the session's
    /// current key, which a step-up may have changed since the forward-auth session was created.
    fn touch_parent(&self, lent: &Lent, seen: Seen) {
        let now = self.clock.now();
        if now.since(seen.at) < self.idle_timeout / 10 {
            return;
        }
        let (sessions, lent) = (self.clone(), lent.clone());
        tokio::spawn(async move {
            if let Err(error) = sessions
                .move_parents_clock(&lent, &seen.live_copy, now)
                .await
            {
                tracing::warn!(%error, "can't update a session's idle time");
            }
        });
    }

    async fn move_parents_clock(
        &self,
        lent: &Lent,
        live_copy: &str,
        now: Timestamp,
    ) -> Result<(), Away> {
        let copies = self.ephemeral.get(&[live_copy]).await?;
        let Some(text) = copies.into_iter().next().flatten() else {
            return Ok(());
        };
        let Ok(live) = serde_json::from_str::<LiveSession>(&text) else {
            return Ok(());
        };
        if live.id != lent.session || live.is_over(now, self.idle_timeout) {
            return Ok(());
        }
        let touched = live.touched(now, self.idle_timeout);
        let (new, ttl) = (begin::live_text(&touched)?, touched.time_to_live(now));
        if self.ephemeral.replace(live_copy, &text, &new, ttl).await? {
            self.move_seen(&touched, live_copy).await?;
        }
        Ok(())
    }
}

/// Returns the values of a batch read as an array, in the order of the keys.
fn in_order<const N: usize>(copies: Vec<Option<String>>) -> [Option<String>; N] {
    let mut copies = copies.into_iter();
    std::array::from_fn(|_| copies.next().flatten())
}
