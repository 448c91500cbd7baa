//! The one gate: reads a record, judges a session by it, puts a change in force.

use super::copies::{Copies, SLOWEST_FILL};
use super::queries;
use super::record::{Standing, SteppedUp, UserStatus};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::{AuthorizationId, PasskeyId, SessionId, UserId};
use crate::db::{self, Database};
use crate::ephemeral::{Away, Ephemeral};

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

/// How many ended sessions, stepped-up sessions and revoked authorizations a record lists each. A longer list means that it is
/// incomplete.
const MOST_LISTED: usize = 64;

/// What a session says of itself; the gate says whether it is so.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// ID of the session.
    pub session: SessionId,
    /// The person's epoch when it was made.
    pub epoch: i64,
    /// The passkeys that opened or raised it.
    pub passkeys: &'a [PasskeyId],
    /// The time of its last ceremony, if the session's own key was presented. What depends on the session, such as a session at a
    /// protected host, stays valid when the key changes.
    pub auth_time: Option<Timestamp>,
}

impl Claim<'_> {
    /// Whether the session was stepped up since, so that the presented key is replaced.
    fn is_replaced_by(&self, stepped_up: &SteppedUp) -> bool {
        let shown = self.auth_time.map(Timestamp::as_micros);
        stepped_up.id == self.session && shown.is_some_and(|shown| shown < stepped_up.auth_time)
    }
}

/// What a token says of the authorization that it was issued for; the gate says whether it is so.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationClaim<'a> {
    /// ID of the authorization.
    pub authorization: AuthorizationId,
    /// The person's epoch when it was made.
    pub epoch: i64,
    /// The passkeys that its session rested on.
    pub passkeys: &'a [PasskeyId],
}

/// The gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The session is good.
    Good,
    /// The record is older than the session: read a newer one and ask again.
    RecordIsOld,
    /// More was ended, stepped up or revoked recently than the record lists: the row of the session or authorization must be read.
    AskTheRow,
    /// The session is over, with a reason code for the log.
    Refused(&'static str),
}

impl Standing {
    /// Judges a session that exists and has not expired: by its epoch, its end and its passkeys, never by a clock.
    pub fn judge(&self, claim: &Claim<'_>) -> Verdict {
        if let Some(verdict) = self.judge_person(claim.epoch) {
            return verdict;
        }
        if self.ended.contains(&claim.session) {
            return Verdict::Refused("session-ended");
        }
        if self.stepped_up.iter().any(|one| claim.is_replaced_by(one)) {
            return Verdict::Refused("key-replaced");
        }
        let is_cut = self.ended.len() > MOST_LISTED || self.stepped_up.len() > MOST_LISTED;
        match self.judge_passkeys(claim.passkeys) {
            Verdict::Good if is_cut => Verdict::AskTheRow,
            verdict => verdict,
        }
    }

    /// Judges a token that is genuine and has not expired. Whether its client may still ask is the client's record's to say.
    pub fn judge_authorization(&self, claim: &AuthorizationClaim<'_>) -> Verdict {
        if let Some(verdict) = self.judge_person(claim.epoch) {
            return verdict;
        }
        if self.revoked.contains(&claim.authorization) {
            return Verdict::Refused("authorization-revoked");
        }
        match self.judge_passkeys(claim.passkeys) {
            Verdict::Good if self.revoked.len() > MOST_LISTED => Verdict::AskTheRow,
            verdict => verdict,
        }
    }

    fn judge_person(&self, epoch: i64) -> Option<Verdict> {
        if epoch > self.session_epoch {
            return Some(Verdict::RecordIsOld);
        }
        if self.status != UserStatus::Active {
            return Some(Verdict::Refused("user-not-active"));
        }
        (epoch < self.session_epoch).then_some(Verdict::Refused(EPOCH_RAISED))
    }

    fn judge_passkeys(&self, passkeys: &[PasskeyId]) -> Verdict {
        let are_live = passkeys
            .iter()
            .all(|passkey| self.passkeys.contains(passkey));
        if are_live && !passkeys.is_empty() {
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
    copies: Copies<UserId>,
}

impl Standings {
    /// Over both stores.
    pub fn new(database: Database, ephemeral: Ephemeral) -> Self {
        Self {
            database,
            copies: Copies::new(ephemeral),
        }
    }

    /// The key of the cached copy; in one slot with the person's sessions.
    pub fn key(user: UserId) -> String {
        format!("standing:{{{user}}}")
    }

    /// The record of a person: the cached copy where there is one to believe, else from the database. `None`: nobody.
    pub async fn of(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        let copy = self.copies.get(&Self::key(user)).await?;
        self.of_copy(user, copy.as_deref().and_then(Self::record_in))
            .await
    }

    /// The record within a cached copy, `version:record`.
    pub fn record_in(copy: &str) -> Option<&str> {
        copy.split_once(':').map(|(_, record)| record)
    }

    /// As [`Standings::of`], for a caller who read the copy together with something else and gives the record in it.
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

    /// Reads the record from the database, and stores it for the next reader if the ephemeral store takes writes.
    pub async fn reload(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        let watch = Stopwatch::start();
        let Some(standing) = self.read(user).await? else {
            return Ok(None);
        };
        if watch.elapsed() < SLOWEST_FILL {
            let key = Self::key(user);
            self.copies.fill(&key, standing.version, &standing).await;
        }
        Ok(Some(standing))
    }

    /// Puts a claim to a record, and once more to the database's where the record is older than the claim. Returns the record that was
    /// asked last, with what it said; `None`: nobody.
    pub async fn judge(
        &self,
        standing: Standing,
        claim: impl Fn(&Standing) -> Verdict,
    ) -> Result<Option<(Standing, Verdict)>, Unavailable> {
        let verdict = claim(&standing);
        if verdict != Verdict::RecordIsOld {
            return Ok(Some((standing, verdict)));
        }
        let newer = self.reload(standing.user_id).await?;
        Ok(newer.map(|newer| {
            let verdict = claim(&newer);
            (newer, verdict)
        }))
    }

    /// First half of a fill: reads the record from the database.
    pub async fn read(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        Ok(self
            .database
            .read(move |conn| queries::find_record(conn, user))
            .await?)
    }

    /// Second half: stores the copy unless one that is not older is there; whether it did.
    pub async fn store(&self, standing: &Standing) -> Result<bool, Unavailable> {
        let key = Self::key(standing.user_id);
        Ok(self.copies.store(&key, standing.version, standing).await?)
    }

    /// Puts a committed change in force everywhere: afterwards no question is answered from an older record.
    ///
    /// # Errors
    /// [`ChangePending`]: the change is committed, this call may be repeated.
    pub async fn publish(&self, user: UserId) -> Result<Option<Standing>, ChangePending> {
        let standing = self.read(user).await.map_err(ChangePending)?;
        if let Some(standing) = &standing {
            self.copies.raise_floor(user, standing.version);
            self.store(standing).await.map_err(ChangePending)?;
        }
        Ok(standing)
    }

    /// Publishes a change that the response does not acknowledge: a refusal, or a grant that ended older ones. A failure is only
    /// logged: every instance learns within a second that the record changed ([`Standings::watch`]), and the response must not be
    /// lost because of it.
    pub async fn publish_or_warn(&self, user: UserId) {
        if let Err(error) = self.publish(user).await {
            tracing::warn!(%error, "a change is committed but not yet in force");
        }
    }

    /// Looks which standings moved: before an instance answers anybody, then once a second.
    ///
    /// # Errors
    /// When the database is away; nothing older is believed for that.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .copies
            .look(&self.database, queries::list_moved_since)
            .await?)
    }

    /// Parses a cached record; `None` when it is below its floor or not readable.
    fn believe(&self, user: UserId, record: &str) -> Option<Standing> {
        let standing: Standing = serde_json::from_str(record).ok()?;
        (standing.user_id == user && self.copies.admits(user, standing.version)).then_some(standing)
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
            stepped_up: vec![],
            revoked: vec![AuthorizationId::random()],
        }
    }

    #[test]
    fn a_token_is_good_only_while_its_authorization_is() {
        let standing = standing();
        let passkeys = standing.passkeys.clone();
        let good = AuthorizationClaim {
            authorization: AuthorizationId::random(),
            epoch: 2,
            passkeys: &passkeys,
        };
        assert_eq!(standing.judge_authorization(&good), Verdict::Good);
        let revoked = AuthorizationClaim {
            authorization: standing.revoked[0],
            ..good
        };
        let verdict = standing.judge_authorization(&revoked);
        assert_eq!(verdict, Verdict::Refused("authorization-revoked"));
        let earlier = AuthorizationClaim { epoch: 1, ..good };
        let verdict = standing.judge_authorization(&earlier);
        assert_eq!(verdict, Verdict::Refused(EPOCH_RAISED));
        let many = Standing {
            revoked: (0..65).map(|_| AuthorizationId::random()).collect(),
            ..standing
        };
        assert_eq!(many.judge_authorization(&good), Verdict::AskTheRow);
    }

    #[test]
    fn a_session_is_good_only_when_everything_it_rests_on_is() {
        let standing = standing();
        let passkeys = standing.passkeys.clone();
        let good = Claim {
            session: SessionId::random(),
            epoch: 2,
            passkeys: &passkeys,
            auth_time: Some(Timestamp::from_micros(5)),
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
        let stepped_up = |id, auth_time| Standing {
            stepped_up: vec![SteppedUp { id, auth_time }],
            ..standing.clone()
        };
        let replaced = stepped_up(good.session, 6);
        assert_eq!(refused(&replaced, &good), "key-replaced");
        let depending = Claim {
            auth_time: None,
            ..good
        };
        assert_eq!(replaced.judge(&depending), Verdict::Good);
        for record in [
            stepped_up(good.session, 5),
            stepped_up(SessionId::random(), 6),
        ] {
            assert_eq!(record.judge(&good), Verdict::Good);
        }
        let many = Standing {
            ended: (0..65).map(|_| SessionId::random()).collect(),
            ..standing.clone()
        };
        assert_eq!(many.judge(&good), Verdict::AskTheRow);
        let later = Claim { epoch: 3, ..good };
        assert_eq!(standing.judge(&later), Verdict::RecordIsOld);
    }
}
