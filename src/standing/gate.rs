//! The one gate: reads a record, judges a session by it, puts a change in force.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::floors::Floors;
use super::queries;
use super::record::{Standing, UserStatus};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::db::{self, Database};
use crate::ephemeral::{Away, Ephemeral};

/// How long a copy lives in the ephemeral store.
const LIFE: Duration = Duration::from_secs(60);
/// A reader this slow must not store what it read: its copy could outlive every floor.
const SLOWEST_FILL: Duration = Duration::from_secs(30);
/// How far back each look for moved standings reaches behind the one before it: longer than any transaction may take, for
/// `moved_at` is written at its beginning and seen after its end.
const OVERLAP: Duration = Duration::from_secs(30);
/// How far back the first look reaches, and how long a floor stands: two lives of a copy.
const REACH: Duration = Duration::from_secs(120);

/// A store that is needed for the answer is away.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The database.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The ephemeral store.
    #[error(transparent)]
    Ephemeral(#[from] Away),
}

/// The change is committed, but not yet in force everywhere. Safe to repeat.
#[derive(Debug, thiserror::Error)]
#[error("committed but not yet in force: {0}")]
pub struct ChangePending(pub Unavailable);

/// The reason code of a session from before the person's present epoch.
pub const EPOCH_RAISED: &str = "epoch-raised";

/// What a session says of itself; the gate says whether it is so.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Which session.
    pub session: SessionId,
    /// The person's epoch when it was made.
    pub epoch: i64,
    /// The passkeys that opened or raised it.
    pub passkeys: &'a [PasskeyId],
}

/// The gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The session is good.
    Good,
    /// The record is older than the session: read a newer one and ask again.
    RecordIsOld,
    /// The session is over, with a reason code for the log.
    Refused(&'static str),
}

impl Standing {
    /// Judges a session that exists and has not expired (DESIGN rule 4).
    pub fn judge(&self, claim: &Claim<'_>) -> Verdict {
        if claim.epoch > self.session_epoch {
            return Verdict::RecordIsOld;
        }
        if self.status != UserStatus::Active {
            return Verdict::Refused("user-not-active");
        }
        if claim.epoch < self.session_epoch {
            return Verdict::Refused(EPOCH_RAISED);
        }
        if self.ended.contains(&claim.session) {
            return Verdict::Refused("session-ended");
        }
        let rests_on_live_passkeys = !claim.passkeys.is_empty()
            && claim
                .passkeys
                .iter()
                .all(|passkey| self.passkeys.contains(passkey));
        if rests_on_live_passkeys {
            Verdict::Good
        } else {
            Verdict::Refused("passkey-revoked")
        }
    }
}

/// The standing records of everybody. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Standings {
    database: Database,
    ephemeral: Ephemeral,
    floors: Arc<Floors>,
    last_look: Arc<Mutex<Option<Timestamp>>>,
}

impl Standings {
    /// Over both stores.
    pub fn new(database: Database, ephemeral: Ephemeral) -> Self {
        Self {
            database,
            ephemeral,
            floors: Arc::default(),
            last_look: Arc::default(),
        }
    }

    /// The key of the cached copy; in one slot with the person's sessions.
    pub fn key(user: UserId) -> String {
        format!("standing:{{{user}}}")
    }

    /// The record of a person: the cached copy where there is one to believe, else from the database. `None`: nobody.
    ///
    /// # Errors
    /// When the store that is needed is away.
    pub async fn of(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        let copies = self.ephemeral.get(&[&Self::key(user)]).await?;
        let copy = copies.into_iter().next().flatten();
        self.of_copy(user, copy.as_deref().and_then(Self::record_in))
            .await
    }

    /// The record within a cached copy, `version:record`.
    pub fn record_in(copy: &str) -> Option<&str> {
        copy.split_once(':').map(|(_, record)| record)
    }

    /// As [`Standings::of`], for a caller who read the copy together with something else and gives the record in it.
    ///
    /// # Errors
    /// When the store that is needed is away.
    pub async fn of_copy(
        &self,
        user: UserId,
        record: Option<&str>,
    ) -> Result<Option<Standing>, Unavailable> {
        match record.and_then(|record| self.believe(user, record)) {
            Some(standing) => Ok(Some(standing)),
            None => self.reload(user).await,
        }
    }

    /// The record from the database, stored for the next reader.
    ///
    /// # Errors
    /// When a store is away.
    pub async fn reload(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        let watch = Stopwatch::start();
        let Some(standing) = self.read(user).await? else {
            return Ok(None);
        };
        if watch.elapsed() < SLOWEST_FILL {
            self.store(&standing).await?;
        }
        Ok(Some(standing))
    }

    /// First half of a fill: reads the record from the database.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn read(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        Ok(self
            .database
            .read(move |conn| queries::find_record(conn, user))
            .await?)
    }

    /// Second half: stores the copy unless one that is not older is there; whether it did.
    ///
    /// # Errors
    /// When the ephemeral store is away.
    pub async fn store(&self, standing: &Standing) -> Result<bool, Unavailable> {
        let text = serde_json::to_string(standing)
            .map_err(|error| Away(format!("a record that is no JSON: {error}")))?;
        let key = Self::key(standing.user_id);
        Ok(self
            .ephemeral
            .store_newer(&key, standing.version, &text, LIFE)
            .await?)
    }

    /// Puts a committed change in force everywhere: afterwards no question is answered from an older record.
    ///
    /// # Errors
    /// [`ChangePending`]: the change is committed, this call may be repeated.
    pub async fn publish(&self, user: UserId) -> Result<Option<Standing>, ChangePending> {
        let standing = self.read(user).await.map_err(ChangePending)?;
        if let Some(standing) = &standing {
            self.floors.raise(&[(user, standing.version)]);
            self.store(standing).await.map_err(ChangePending)?;
        }
        Ok(standing)
    }

    /// The first look: before an instance answers anybody.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin_watch(&self) -> Result<(), Unavailable> {
        self.look().await
    }

    /// One later look, once a second: raises the floors of all who moved, forgets the old ones.
    ///
    /// # Errors
    /// When the database is away; the floors stay as they are.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        self.look().await?;
        self.floors.forget_older_than(REACH);
        Ok(())
    }

    /// Looks from a little before the last look that succeeded: an instance that had lost its database misses nothing.
    async fn look(&self) -> Result<(), Unavailable> {
        let database = self.database.clone();
        let last = *self
            .last_look
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (now, moved) = self
            .database
            .read(move |conn| {
                let now = database.now(conn)?;
                let from = last.map_or_else(|| now.before(REACH), |last| last.before(OVERLAP));
                let moved = queries::list_moved_since(conn, from)?;
                Ok::<_, db::Error>((now, moved))
            })
            .await?;
        self.floors.raise(&moved);
        *self
            .last_look
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    /// Parses a cached record; `None` when it is below its floor or not readable.
    fn believe(&self, user: UserId, record: &str) -> Option<Standing> {
        let standing: Standing = serde_json::from_str(record).ok()?;
        (standing.user_id == user && self.floors.admits(user, standing.version)).then_some(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        Standing {
            user_id: UserId::random(),
            version: 3,
            username: "ada".into(),
            email: None,
            email_verified: false,
            display_name: "Ada".into(),
            status: UserStatus::Active,
            session_epoch: 2,
            roles: vec![],
            passkeys: vec![PasskeyId::random(), PasskeyId::random()],
            ended: vec![SessionId::random()],
        }
    }

    #[test]
    fn a_session_is_good_only_when_everything_it_rests_on_is() {
        let standing = standing();
        let passkeys = standing.passkeys.clone();
        let good = Claim {
            session: SessionId::random(),
            epoch: 2,
            passkeys: &passkeys,
        };
        assert_eq!(standing.judge(&good), Verdict::Good);

        let refused = |standing: &Standing, claim: &Claim<'_>| match standing.judge(claim) {
            Verdict::Refused(reason) => reason,
            other => panic!("{other:?}"),
        };
        let earlier = Claim { epoch: 1, ..good };
        assert_eq!(refused(&standing, &earlier), "epoch-raised");
        let ended = Claim {
            session: standing.ended[0],
            ..good
        };
        assert_eq!(refused(&standing, &ended), "session-ended");
        let with_a_dead_one = [passkeys[0], PasskeyId::random()];
        let dead = Claim {
            passkeys: &with_a_dead_one,
            ..good
        };
        assert_eq!(refused(&standing, &dead), "passkey-revoked");
        let on_nothing = Claim {
            passkeys: &[],
            ..good
        };
        assert_eq!(refused(&standing, &on_nothing), "passkey-revoked");
        let suspended = Standing {
            status: UserStatus::Suspended,
            ..standing.clone()
        };
        assert_eq!(refused(&suspended, &good), "user-not-active");
        let later = Claim { epoch: 3, ..good };
        assert_eq!(standing.judge(&later), Verdict::RecordIsOld);
    }
}
