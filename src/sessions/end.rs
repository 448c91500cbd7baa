//! Ends sessions: one, all, all but the current one, or those that depend on a passkey.

use std::time::Duration;

use serde_json::json;

use super::key::{SessionKey, last_seen_key};
use super::live::LiveSession;
use super::queries::End;
use super::{Sessions, queries};
use crate::account_state::{self, ChangePending};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, PasskeyId, SessionId, UserId};
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};
use crate::tokens::{self, SessionEnd, revoke};

/// How much longer than the idle timeout the account state lists an ended session; more than the clocks of
/// two instances can differ.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);

/// Why sessions could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// The session or the user doesn't exist.
    #[error("unknown session")]
    Unknown,
    #[error(transparent)]
    Acting(#[from] ActingError),
    #[error(transparent)]
    Pending(#[from] ChangePending),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Result of ending sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub sessions: usize,
}

/// Ends all open sessions of a user and all their tokens by incrementing the session epoch, in the caller's transaction. Changes
/// the version of the account state.
pub fn end_all_unrecorded(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
    reason: &str,
) -> db::Result<Ended> {
    let epoch = account_state::find_epoch(conn, user)?.unwrap_or_default();
    account_state::bump_session_epoch(conn, user, now)?;
    revoke::end_all_of_user(conn, user, now, reason)?;
    let sessions = queries::end_epoch(conn, user, epoch, now, reason)?;
    Ok(Ended { sessions })
}

/// Ends the open sessions that depend on a passkey, in the transaction that revokes the passkey. The revocation itself
/// invalidates them, because the session check requires all their passkeys; the rows record when and why.
pub fn end_depending_on(
    conn: &mut Connection,
    user: UserId,
    passkey: PasskeyId,
    now: Timestamp,
    reason: &str,
) -> db::Result<Ended> {
    let epoch = account_state::find_epoch(conn, user)?.unwrap_or_default();
    let mut ended = Ended::default();
    for session in queries::list_open(conn, user, epoch, now)? {
        // The account state refuses the session already, because its passkey is revoked.
        let end = End {
            at: now,
            reason,
            listed_until: None,
        };
        if session.passkeys.0.contains(&passkey) && queries::end(conn, user, session.id, end)? {
            // Also revokes what the session granted before it depended on this passkey.
            revoke::end_session(conn, session.id, SessionEnd::Revoked, now)?;
            ended.sessions = ended.sessions.saturating_add(1);
        }
    }
    revoke::end_depending_on(conn, user, passkey, now)?;
    Ok(ended)
}

/// Ends all sessions of a user and records an audit event, in the caller's transaction.
pub fn end_all(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
    reason: Option<&str>,
    author: &Author,
) -> db::Result<Ended> {
    let ended = end_all_unrecorded(conn, user, now, "ended-all")?;
    let event = Event::done("session.ended_all")
        .subject(user)
        .with_reason(reason)
        .details(json!({ "sessions": ended.sessions }));
    history::record(conn, now, author, event)?;
    Ok(ended)
}

impl Sessions {
    /// Returns until when the account state lists a session that is ended, or whose key is replaced, at `now`. No live copy is
    /// valid for longer than the idle timeout, and the clocks of instances differ by less than an hour.
    pub(super) fn listed_until(&self, now: Timestamp) -> Timestamp {
        now.after(self.idle_timeout).after(CLOCK_SKEW)
    }

    /// Ends one session of a user and everything that it granted, and records an audit event, in the caller's transaction.
    /// Changes the version of the account state.
    pub fn end_in_transaction(
        &self,
        conn: &mut Connection,
        (user, session, how): (UserId, SessionId, SessionEnd),
        now: Timestamp,
        reason: Option<&str>,
        author: &Author,
    ) -> Result<Ended, EndError> {
        if !account_state::bump_version(conn, user, now)? || !queries::exists(conn, user, session)?
        {
            return Err(EndError::Unknown);
        }
        let end = End {
            at: now,
            reason: match how {
                SessionEnd::SignedOut => queries::SIGNED_OUT,
                SessionEnd::Revoked => queries::REVOKED,
            },
            listed_until: Some(self.listed_until(now)),
        };
        let was_open = queries::end(conn, user, session, end)?;
        // A session may be revoked after its user signed out. Offline access that it granted then ends too.
        revoke::end_session(conn, session, how, now)?;
        if !was_open {
            if how == SessionEnd::Revoked {
                queries::mark_revoked(conn, user, session)?;
            }
            return Ok(Ended::default());
        }
        let event = Event::done("session.ended")
            .subject(user)
            .with_reason(reason)
            .details(json!({ "session": session }));
        history::record(conn, now, author, event)?;
        Ok(Ended { sessions: 1 })
    }

    /// Revokes one session of a user and everything that it granted. Idempotent.
    pub async fn end_one(
        &self,
        user: UserId,
        session: SessionId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Ended, EndError> {
        let check = move |conn: &mut Connection| acting.check(conn, &[user]);
        self.end((user, session, SessionEnd::Revoked), reason, check)
            .await
    }

    /// Signs the user out of a session. Offline access that the user granted to apps is kept. Idempotent.
    pub async fn sign_out(&self, session: &LiveSession, author: Author) -> Result<Ended, EndError> {
        let reason = Some(queries::SIGNED_OUT.to_owned());
        let what = (session.user, session.id, SessionEnd::SignedOut);
        // Users may always sign out, even if they were just suspended.
        self.end(what, reason, |_| Ok(author)).await
    }

    /// Ends the session that an app names by the `sid` of an ID token issued to it, as a sign-out of its user:
    /// offline access that the user granted to apps is kept. A session that has ended, or that belongs to another
    /// user, is left alone. Idempotent.
    pub async fn end_by_sid(
        &self,
        (user, client): (UserId, ClientId),
        sid: SessionId,
        author: Author,
    ) -> Result<Ended, EndError> {
        let (database, sessions) = (self.database.clone(), self.clone());
        let ended = self
            .database
            .write(move |conn| {
                if !account_state::lock(conn, user)? {
                    return Ok(None);
                }
                // The session may have been replaced by a new sign-in in the same browser.
                let session = tokens::find_session_of_sid(conn, (user, client), sid)?;
                let session = session.unwrap_or(sid);
                if queries::find_open(conn, user, session)?.is_none() {
                    return Ok(Some((session, Ended::default())));
                }
                let now = database.now(conn)?;
                let what = (user, session, SessionEnd::SignedOut);
                let reason = Some(queries::SIGNED_OUT);
                let ended = sessions.end_in_transaction(conn, what, now, reason, &author)?;
                Ok::<_, EndError>(Some((session, ended)))
            })
            .await?;
        let Some((session, ended)) = ended else {
            return Ok(Ended::default());
        };
        // Also for a session that had ended before: this may be a repeated request, after the first one failed to
        // publish the account state.
        self.account_states.publish(user).await?;
        self.delete_last_seen(user, session).await;
        Ok(ended)
    }

    async fn end(
        &self,
        what: (UserId, SessionId, SessionEnd),
        reason: Option<String>,
        check: impl FnOnce(&mut Connection) -> Result<Author, ActingError> + Send + 'static,
    ) -> Result<Ended, EndError> {
        let (database, sessions) = (self.database.clone(), self.clone());
        let (user, session, _) = what;
        let ended = self
            .database
            .write(move |conn| {
                let author = check(conn)?;
                if !account_state::lock(conn, user)? {
                    return Err(EndError::Unknown);
                }
                let now = database.now(conn)?;
                sessions.end_in_transaction(conn, what, now, reason.as_deref(), &author)
            })
            .await?;
        self.account_states.publish(user).await?;
        self.delete_last_seen(user, session).await;
        Ok(ended)
    }

    /// Deletes the last-seen time. Only a cleanup: lists of sessions read the database first.
    pub(super) async fn delete_last_seen(&self, user: UserId, session: SessionId) {
        if let Err(error) = self.ephemeral.remove(&last_seen_key(user, session)).await {
            tracing::warn!(%error, "can't delete a session's last-active time; it will expire");
        }
    }

    /// Ends all sessions of a user. Idempotent.
    pub async fn end_all(
        &self,
        user: UserId,
        reason: Option<String>,
        acting: ActingAs,
    ) -> Result<Ended, EndError> {
        let database = self.database.clone();
        let ended = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                if !account_state::lock(conn, user)? {
                    return Err(EndError::Unknown);
                }
                let now = database.now(conn)?;
                Ok(end_all(conn, user, now, reason.as_deref(), &author)?)
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(ended)
    }

    /// Ends all sessions of a user but `kept`, which moves to the new epoch under its old key.
    ///
    /// # Errors
    /// `Unknown` if `kept` has ended or was stepped up in the meantime, or the change is not in force.
    pub async fn end_others(
        &self,
        kept: &LiveSession,
        key: &SessionKey,
        acting: ActingAs,
    ) -> Result<Ended, EndError> {
        let database = self.database.clone();
        let session = kept.clone();
        let (kept, ended) = self
            .database
            .write(move |conn| {
                let user = session.user;
                let author = acting.check(conn, &[user])?;
                let now = database.now(conn)?;
                let epoch = account_state::find_epoch(conn, user)?.unwrap_or_default();
                if session.epoch != epoch {
                    return Err(EndError::Unknown);
                }
                account_state::bump_session_epoch(conn, user, now)?;
                let kept = LiveSession {
                    epoch: epoch.saturating_add(1),
                    ..session.clone()
                };
                if !queries::update_stepped_up(conn, &kept, &session)? {
                    return Err(EndError::Unknown);
                }
                revoke::end_others(conn, user, kept.id, kept.epoch, now)?;
                let sessions = queries::end_epoch(conn, user, epoch, now, "ended-others")?;
                let ended = Ended { sessions };
                let event = Event::done("session.ended_others")
                    .subject(user)
                    .details(json!({ "kept": kept.id, "sessions": ended.sessions }));
                history::record(conn, now, &author, event)?;
                Ok((kept, ended))
            })
            .await?;
        // The kept session first: if its epoch is ahead of the cached account state, the check reads a newer state; if it is
        // behind, the session is refused.
        let moved = self.store_live(key, &kept).await;
        self.account_states.publish(kept.user).await?;
        moved.map_err(|away| ChangePending(away.into()))?;
        Ok(ended)
    }
}
