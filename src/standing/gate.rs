//! Reads account states, checks sessions and authorizations against them, and publishes changes.

use super::copies::{Copies, SLOWEST_FILL};
use super::queries;
use super::record::{Standing, SteppedUp, UserStatus};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::{AuthorizationId, PasskeyId, SessionId, UserId};
use crate::db::{self, Database};
use crate::ephemeral::{Away, Ephemeral};

/// A store that the answer depends on is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The ephemeral store is unavailable.
    #[error(transparent)]
    Ephemeral(#[from] Away),
}

/// The change is committed, but not yet in force everywhere. Safe to repeat.
#[derive(Debug, thiserror::Error)]
#[error("committed but not yet in force: {0}")]
pub struct ChangePending(pub Unavailable);

/// Reason code for a session from before the user's current session epoch.
pub const EPOCH_RAISED: &str = "epoch-raised";

/// How many ended or stepped-up sessions, and revoked authorizations, an account state lists. A longer list is incomplete.
const MOST_LISTED: usize = 64;

/// The facts of a session that are checked against the account state.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// ID of the session.
    pub session: SessionId,
    /// The user's session epoch when the session was created.
    pub epoch: i64,
    /// IDs of the passkeys that the user signed in or stepped up with.
    pub passkeys: &'a [PasskeyId],
    /// The time of its last authentication, if the session's own key was presented. What depends on the session, such as a
    /// session at a protected host, stays valid when the key changes.
    pub auth_time: Option<Timestamp>,
}

impl Claim<'_> {
    /// Returns whether the session was stepped up since, so that the presented key was replaced.
    fn is_replaced_by(&self, stepped_up: &SteppedUp) -> bool {
        let shown = self.auth_time.map(Timestamp::as_micros);
        stepped_up.id == self.session && shown.is_some_and(|shown| shown < stepped_up.auth_time)
    }
}

/// The facts of an authorization, taken from a token, that are checked against the account state.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationClaim<'a> {
    /// ID of the authorization.
    pub authorization: AuthorizationId,
    /// The user's session epoch when the authorization was created.
    pub epoch: i64,
    /// IDs of the passkeys that its session depended on.
    pub passkeys: &'a [PasskeyId],
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The session or authorization is valid.
    Good,
    /// The account state is older than the session: read a newer one and check again.
    RecordIsOld,
    /// More was ended, stepped up or revoked recently than the account state lists: read the row of the session or authorization.
    AskTheRow,
    /// The session or authorization is not valid. Contains a reason code for the log.
    Refused(&'static str),
}

impl Standing {
    /// Checks an existing, unexpired session: its epoch, whether it was ended, its passkeys. Compares no times with a clock.
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

    /// Checks the authorization of a genuine, unexpired token. Whether its client is enabled depends on the client's record.
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

/// The account states of all users. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Standings {
    database: Database,
    copies: Copies<UserId>,
}

impl Standings {
    /// Creates the service from both stores.
    pub fn new(database: Database, ephemeral: Ephemeral) -> Self {
        Self {
            database,
            copies: Copies::new(ephemeral),
        }
    }

    /// Returns the key of the cached record, which has the same hash slot as the user's sessions.
    pub fn key(user: UserId) -> String {
        format!("standing:{{{user}}}")
    }

    /// Returns a user's account state from the cache, or else from the database; `None` if the user doesn't exist.
    pub async fn of(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        let copy = self.copies.get(&Self::key(user)).await?;
        self.of_copy(user, copy.as_deref().and_then(Self::record_in))
            .await
    }

    /// Returns the record within a cached value (`version:record`).
    pub fn record_in(copy: &str) -> Option<&str> {
        copy.split_once(':').map(|(_, record)| record)
    }

    /// Returns the account state as [`Standings::of`] does, given the cached record that the caller read with other entries.
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

    /// Reads the account state from the database, and caches it if the ephemeral store accepts writes.
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

    /// Runs a check on an account state, and again on that of the database if the first one is outdated. Returns the state that
    /// was checked last, and the result; `None` if the user doesn't exist.
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

    /// Reads the account state from the database, the first half of filling the cache.
    pub async fn read(&self, user: UserId) -> Result<Option<Standing>, Unavailable> {
        Ok(self
            .database
            .read(move |conn| queries::find_record(conn, user))
            .await?)
    }

    /// The second half of filling the cache: stores the record unless the cached one is as new. Returns whether it did.
    pub async fn store(&self, standing: &Standing) -> Result<bool, Unavailable> {
        let key = Self::key(standing.user_id);
        Ok(self.copies.store(&key, standing.version, standing).await?)
    }

    /// Puts a committed change in force everywhere: afterwards no request is answered from an older account state.
    ///
    /// # Errors
    /// [`ChangePending`]: the change is committed, and this call may be repeated.
    pub async fn publish(&self, user: UserId) -> Result<Option<Standing>, ChangePending> {
        let standing = self.read(user).await.map_err(ChangePending)?;
        if let Some(standing) = &standing {
            self.copies.raise_floor(user, standing.version);
            self.store(standing).await.map_err(ChangePending)?;
        }
        Ok(standing)
    }

    /// Publishes a change that the response does not acknowledge: a refusal, or a grant that ended older ones. A failure is only
    /// logged, because the response must not be lost: every instance learns of the change within a second ([`Standings::watch`]).
    pub async fn publish_or_warn(&self, user: UserId) {
        if let Err(error) = self.publish(user).await {
            tracing::warn!(%error, "a change is committed but not yet in force");
        }
    }

    /// Polls for changed account states: before an instance serves requests, then once a second.
    ///
    /// # Errors
    /// If the database is unavailable; the minimum versions stay unchanged.
    pub async fn watch(&self) -> Result<(), Unavailable> {
        Ok(self
            .copies
            .look(&self.database, queries::list_moved_since)
            .await?)
    }

    /// Parses a cached record; returns `None` if it is below the minimum version or can't be parsed.
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
