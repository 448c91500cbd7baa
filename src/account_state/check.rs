//! Reads account states, checks sessions and authorizations against them, and publishes changes.

use super::queries;
use super::record::{AccountState, SteppedUp, UserStatus};
use super::versioned_cache::{MAX_FILL_TIME, VersionedCache};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::{AuthorizationId, PasskeyId, SessionId, UserId};
use crate::db::{self, Database};
use crate::ephemeral::{Ephemeral, StoreUnavailable};

/// A store that the answer depends on is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The database is unavailable.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The ephemeral store is unavailable.
    #[error(transparent)]
    Ephemeral(#[from] StoreUnavailable),
}

/// The change is committed, but not yet in force everywhere. Safe to repeat.
#[derive(Debug, thiserror::Error)]
#[error("committed but not yet in force: {0}")]
pub struct ChangePending(pub Unavailable);

/// Reason code for a session from before the user's current session epoch.
pub const EPOCH_RAISED: &str = "epoch-raised";

/// How many ended or stepped-up sessions, and revoked authorizations, an account state lists. A longer list is incomplete.
const MAX_LISTED: usize = 64;

/// The facts of a session that are checked against the account state.
#[derive(Clone, Copy, Debug)]
pub struct SessionRef<'a> {
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

impl SessionRef<'_> {
    /// Returns whether the session was stepped up since, so that the presented key was replaced.
    fn is_replaced_by(&self, stepped_up: &SteppedUp) -> bool {
        let shown = self.auth_time.map(Timestamp::as_micros);
        stepped_up.id == self.session && shown.is_some_and(|shown| shown < stepped_up.auth_time)
    }
}

/// The facts of an authorization, taken from a token, that are checked against the account state.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRef<'a> {
    /// ID of the authorization.
    pub authorization: AuthorizationId,
    /// The user's session epoch when the authorization was created.
    pub epoch: i64,
    /// IDs of the passkeys that its session depended on.
    pub passkeys: &'a [PasskeyId],
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// The session or authorization is valid.
    Valid,
    /// The account state is older than the session: read a newer one and check again.
    StateIsOutdated,
    /// More was ended, stepped up or revoked recently than the account state lists: read the row of the session or authorization.
    ReadRow,
    /// The session or authorization is not valid. Contains a reason code for the log.
    Refused(&'static str),
}

impl AccountState {
    /// Checks an existing, unexpired session: its epoch, whether it was ended, its passkeys. Compares no times with a clock.
    pub fn check_session(&self, session_ref: &SessionRef<'_>) -> CheckResult {
        if let Some(result) = self.check_user(session_ref.epoch) {
            return result;
        }
        if self.ended.contains(&session_ref.session) {
            return CheckResult::Refused("session-ended");
        }
        if self
            .stepped_up
            .iter()
            .any(|one| session_ref.is_replaced_by(one))
        {
            return CheckResult::Refused("key-replaced");
        }
        let is_cut = self.ended.len() > MAX_LISTED || self.stepped_up.len() > MAX_LISTED;
        match self.check_passkeys(session_ref.passkeys) {
            CheckResult::Valid if is_cut => CheckResult::ReadRow,
            result => result,
        }
    }

    /// Checks the authorization of a genuine, unexpired token. Whether its client is enabled depends on the client's record.
    pub fn check_authorization(&self, authorization_ref: &AuthorizationRef<'_>) -> CheckResult {
        if let Some(result) = self.check_user(authorization_ref.epoch) {
            return result;
        }
        if self.revoked.contains(&authorization_ref.authorization) {
            return CheckResult::Refused("authorization-revoked");
        }
        match self.check_passkeys(authorization_ref.passkeys) {
            CheckResult::Valid if self.revoked.len() > MAX_LISTED => CheckResult::ReadRow,
            result => result,
        }
    }

    fn check_user(&self, epoch: i64) -> Option<CheckResult> {
        if epoch > self.session_epoch {
            return Some(CheckResult::StateIsOutdated);
        }
        if self.status != UserStatus::Active {
            return Some(CheckResult::Refused("user-not-active"));
        }
        (epoch < self.session_epoch).then_some(CheckResult::Refused(EPOCH_RAISED))
    }

    fn check_passkeys(&self, passkeys: &[PasskeyId]) -> CheckResult {
        let are_live = passkeys
            .iter()
            .all(|passkey| self.passkeys.contains(passkey));
        if are_live && !passkeys.is_empty() {
            CheckResult::Valid
        } else {
            CheckResult::Refused("passkey-revoked")
        }
    }
}

/// The account states of all users. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccountStates {
    pub(super) database: Database,
    pub(super) cache: VersionedCache<UserId>,
}

impl AccountStates {
    /// Creates the service from both stores.
    pub fn new(database: Database, ephemeral: Ephemeral) -> Self {
        Self {
            database,
            cache: VersionedCache::new(ephemeral),
        }
    }

    /// Returns the key of the cached record, which has the same hash slot as the user's sessions.
    pub fn key(user: UserId) -> String {
        format!("account-state:{{{user}}}")
    }

    /// Returns a user's account state from the cache, or else from the database; `None` if the user doesn't exist.
    pub async fn find(&self, user: UserId) -> Result<Option<AccountState>, Unavailable> {
        let copy = self.cache.get(&Self::key(user)).await?;
        self.find_with_cached(user, copy.as_deref().and_then(Self::cached_record))
            .await
    }

    /// Returns the record within a cached value (`version:record`).
    pub fn cached_record(copy: &str) -> Option<&str> {
        copy.split_once(':').map(|(_, record)| record)
    }

    /// Returns the account state as [`AccountStates::find`] does, given the cached record that the caller read with other entries.
    pub async fn find_with_cached(
        &self,
        user: UserId,
        record: Option<&str>,
    ) -> Result<Option<AccountState>, Unavailable> {
        match record.and_then(|record| self.parse_if_fresh(user, record)) {
            Some(state) => Ok(Some(state)),
            None => self.reload(user).await,
        }
    }

    /// Reads the account state from the database, and caches it if the ephemeral store accepts writes.
    pub async fn reload(&self, user: UserId) -> Result<Option<AccountState>, Unavailable> {
        let watch = Stopwatch::start();
        let Some(state) = self.read(user).await? else {
            return Ok(None);
        };
        if watch.elapsed() < MAX_FILL_TIME {
            let key = Self::key(user);
            self.cache.fill(&key, state.version, &state).await;
        }
        Ok(Some(state))
    }

    /// Runs a check on an account state, and again on that of the database if the first one is outdated. Returns the state that
    /// was checked last, and the result; `None` if the user doesn't exist.
    pub async fn check(
        &self,
        state: AccountState,
        check: impl Fn(&AccountState) -> CheckResult,
    ) -> Result<Option<(AccountState, CheckResult)>, Unavailable> {
        let result = check(&state);
        if result != CheckResult::StateIsOutdated {
            return Ok(Some((state, result)));
        }
        let newer = self.reload(state.user_id).await?;
        Ok(newer.map(|newer| {
            let result = check(&newer);
            (newer, result)
        }))
    }

    /// Reads the account state from the database, the first half of filling the cache.
    pub async fn read(&self, user: UserId) -> Result<Option<AccountState>, Unavailable> {
        Ok(self
            .database
            .read(move |conn| queries::find_record(conn, user))
            .await?)
    }

    /// The second half of filling the cache: stores the record unless the cached one is as new. Returns whether it did.
    pub async fn store(&self, state: &AccountState) -> Result<bool, Unavailable> {
        let key = Self::key(state.user_id);
        Ok(self.cache.store(&key, state.version, state).await?)
    }

    /// Puts a committed change in force everywhere: afterwards no request is answered from an older account state.
    ///
    /// # Errors
    /// [`ChangePending`]: the change is committed, and this call may be repeated.
    pub async fn publish(&self, user: UserId) -> Result<Option<AccountState>, ChangePending> {
        let state = self.read(user).await.map_err(ChangePending)?;
        if let Some(state) = &state {
            self.cache.raise_min_version(user, state.version);
            self.store(state).await.map_err(ChangePending)?;
        }
        Ok(state)
    }

    /// Publishes a change that the response does not acknowledge: a refusal, or a grant that ended older ones. A failure is only
    /// logged, because the response must not be lost: every instance learns of the change within a second ([`AccountStates::watch`]).
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
            .cache
            .poll_changes(&self.database, queries::list_changes_since)
            .await?)
    }

    /// Parses a cached record; returns `None` if it is below the minimum version or can't be parsed.
    fn parse_if_fresh(&self, user: UserId, record: &str) -> Option<AccountState> {
        let state: AccountState = serde_json::from_str(record).ok()?;
        (state.user_id == user && self.cache.is_fresh(user, state.version)).then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> AccountState {
        AccountState {
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
    fn a_token_is_valid_only_while_its_authorization_is() {
        let state = state();
        let passkeys = state.passkeys.clone();
        let good = AuthorizationRef {
            authorization: AuthorizationId::random(),
            epoch: 2,
            passkeys: &passkeys,
        };
        assert_eq!(state.check_authorization(&good), CheckResult::Valid);
        let revoked = AuthorizationRef {
            authorization: state.revoked[0],
            ..good
        };
        let result = state.check_authorization(&revoked);
        assert_eq!(result, CheckResult::Refused("authorization-revoked"));
        let earlier = AuthorizationRef { epoch: 1, ..good };
        let result = state.check_authorization(&earlier);
        assert_eq!(result, CheckResult::Refused(EPOCH_RAISED));
        let many = AccountState {
            revoked: (0..65).map(|_| AuthorizationId::random()).collect(),
            ..state
        };
        assert_eq!(many.check_authorization(&good), CheckResult::ReadRow);
    }

    #[test]
    fn a_session_is_invalid_once_its_user_passkey_or_epoch_is() {
        let state = state();
        let passkeys = state.passkeys.clone();
        let good = SessionRef {
            session: SessionId::random(),
            epoch: 2,
            passkeys: &passkeys,
            auth_time: Some(Timestamp::from_micros(5)),
        };
        assert_eq!(state.check_session(&good), CheckResult::Valid);

        let refused = |state: &AccountState, session_ref: &SessionRef<'_>| match state
            .check_session(session_ref)
        {
            CheckResult::Refused(reason) => reason,
            other => panic!("{other:?}"),
        };
        let earlier = SessionRef { epoch: 1, ..good };
        assert_eq!(refused(&state, &earlier), "epoch-raised");
        let ended = SessionRef {
            session: state.ended[0],
            ..good
        };
        assert_eq!(refused(&state, &ended), "session-ended");
        let with_a_dead_one = [passkeys[0], PasskeyId::random()];
        let dead = SessionRef {
            passkeys: &with_a_dead_one,
            ..good
        };
        assert_eq!(refused(&state, &dead), "passkey-revoked");
        let on_nothing = SessionRef {
            passkeys: &[],
            ..good
        };
        assert_eq!(refused(&state, &on_nothing), "passkey-revoked");
        let suspended = AccountState {
            status: UserStatus::Suspended,
            ..state.clone()
        };
        assert_eq!(refused(&suspended, &good), "user-not-active");
        let stepped_up = |id, auth_time| AccountState {
            stepped_up: vec![SteppedUp { id, auth_time }],
            ..state.clone()
        };
        let replaced = stepped_up(good.session, 6);
        assert_eq!(refused(&replaced, &good), "key-replaced");
        let depending = SessionRef {
            auth_time: None,
            ..good
        };
        assert_eq!(replaced.check_session(&depending), CheckResult::Valid);
        for record in [
            stepped_up(good.session, 5),
            stepped_up(SessionId::random(), 6),
        ] {
            assert_eq!(record.check_session(&good), CheckResult::Valid);
        }
        let many = AccountState {
            ended: (0..65).map(|_| SessionId::random()).collect(),
            ..state.clone()
        };
        assert_eq!(many.check_session(&good), CheckResult::ReadRow);
        let later = SessionRef { epoch: 3, ..good };
        assert_eq!(state.check_session(&later), CheckResult::StateIsOutdated);
    }
}
