//! Doors: what a session lends a browser at a host behind a proxy.
//!
//! The session's cookie never leaves this place, so each protected host gets a cookie of its own. What it names is a child of the
//! session: good at forward-auth alone, for that host alone, and only while the session is good by the same gate. It is no
//! session and never becomes one, and it never keeps a session alive that would have ended without it.

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

/// What a child has of its session, as of the moment when it was lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lent {
    /// ID of the user whose session it is.
    pub user: UserId,
    /// ID of the session.
    pub session: SessionId,
    /// The passkeys that it rested on.
    passkeys: Vec<PasskeyId>,
    /// The person's epoch.
    epoch: i64,
    /// The last ceremony: a later one makes a new child.
    pub auth_time: Timestamp,
    /// `acr` of the sign-in.
    pub acr: String,
    /// By which means.
    pub amr: Vec<String>,
    /// Expiry that no use postpones.
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
    /// What a child of this session will have of it.
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

/// A child, as it is kept under the hash of its cookie's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// The one host that it is good for.
    pub host: String,
    /// What it has of its session.
    pub lent: Lent,
    /// Time of creation.
    pub opened_at: Timestamp,
    /// Whether it was made because a policy wanted a fresher or stronger sign-in.
    pub after_step_up: bool,
}

/// A child that is good at this moment, and its person.
#[derive(Clone, Debug)]
pub struct OpenDoor {
    /// The child.
    pub door: Door,
    /// The person, as of this request.
    pub standing: Standing,
}

/// Why nothing is open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// There is no such child, it is another host's, or its session is over; with a reason code for the log.
    #[error("no forward-auth session: {0}")]
    Closed(&'static str),
    /// A store is away: nobody knows.
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
            // Requests at protected hosts don't come from our own pages.
            SignedInError::OtherUser(_) => Self::Closed("other-user"),
            SignedInError::Unavailable(error) => Self::Unavailable(error),
            SignedInError::Away | SignedInError::Misplaced => {
                Self::Unavailable(Away("the live session was not read".into()).into())
            }
        }
    }
}

impl Sessions {
    /// Opens a child for a host, if its session is good at this moment: what its browser's cookie will hold.
    ///
    /// # Errors
    /// `Closed` when the session is over, or a store is away.
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

    /// Judges a child at a host, in one round trip; and what was read beside it.
    ///
    /// # Errors
    /// `Closed`, or nobody knows.
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

    /// Ends a child; its session goes on.
    pub async fn close_door(&self, key: &DoorKey) -> Result<(), Away> {
        self.ephemeral.remove(&key.store_key()).await
    }

    /// The same gate as for the session: it exists, its time is not over, its standing is good.
    async fn judge_door(
        &self,
        lent: &Lent,
        standing: Option<&str>,
        seen: Option<&str>,
    ) -> Result<(Standing, Seen), DoorError> {
        let now = self.clock.now();
        // Written with every move of the session's idle clock; gone with the session.
        let seen = seen.and_then(Seen::parse);
        let seen = seen.ok_or(DoorError::Closed("session-gone"))?;
        if now >= lent.absolute_end || now >= seen.at.after(self.idle_timeout) {
            return Err(DoorError::Closed("expired"));
        }
        let record = standing.and_then(Standings::record_in);
        let standing = self.judge(lent.user, &lent.claim(), record).await?;
        Ok((standing, seen))
    }

    /// Using a child counts as using its session: extends the session's idle timeout, as a request with its own cookie would. The
    /// live copy is under the session's current key, which a step-up may have changed since the child was created.
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

/// The copies that were asked for, by their places.
fn in_order<const N: usize>(copies: Vec<Option<String>>) -> [Option<String>; N] {
    let mut copies = copies.into_iter();
    std::array::from_fn(|_| copies.next().flatten())
}
