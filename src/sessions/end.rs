//! Sessions end: one, all, all but this one, or those that rest on a passkey.

use serde_json::json;

use super::key::{SessionKey, seen_key};
use super::live::LiveSession;
use super::{Sessions, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::ephemeral::Away;
use crate::history::{self, Author, Event};
use crate::standing::{self, ChangePending, Verdict};
use crate::tokens::{SessionEnd, revoke};

/// More ended sessions than this in a standing record, and the epoch is raised instead.
const MOST_ENDED: i64 = 64;

/// Why they end then.
const TOO_MANY: &str = "too-many-ended";

/// Why sessions could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// There is no such session, or no such person.
    #[error("no such session")]
    Unknown,
    /// The caller may not make the change any more.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// Committed, not yet in force.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// What was cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many sessions.
    pub sessions: usize,
}

/// Ends every open session of a person by raising their epoch, and every token with them, in the caller's transaction.
/// Raises the standing.
///
/// # Errors
/// When the database is away.
pub fn end_every(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
    reason: &str,
) -> db::Result<Ended> {
    let epoch = standing::find_epoch(conn, user)?.unwrap_or_default();
    standing::raise_epoch(conn, user, now)?;
    revoke::end_every(conn, user, now, reason)?;
    let sessions = queries::end_epoch(conn, user, epoch, now, reason)?;
    Ok(Ended { sessions })
}

/// Marks the open sessions that rest on a passkey as ended, in the transaction that revokes it. The passkey's death is what
/// ends them (the gate asks for every passkey); the rows tell when and why.
///
/// # Errors
/// When the database is away.
pub fn end_resting_on(
    conn: &mut Connection,
    user: UserId,
    passkey: PasskeyId,
    now: Timestamp,
    reason: &str,
    author: &Author,
) -> db::Result<Ended> {
    let epoch = standing::find_epoch(conn, user)?.unwrap_or_default();
    let ended = end_rows(conn, user, epoch, now, reason, |session| {
        session.passkeys.0.contains(&passkey)
    })?;
    revoke::end_resting_on(conn, user, passkey, now)?;
    bound_the_ended(conn, user, None, now, author)?;
    Ok(ended)
}

/// Ends all sessions of a person and records it, in the caller's transaction.
///
/// # Errors
/// When the database is away.
pub fn end_all(
    conn: &mut Connection,
    user: UserId,
    now: Timestamp,
    reason: Option<&str>,
    author: &Author,
) -> db::Result<Ended> {
    let ended = end_every(conn, user, now, "ended-all")?;
    let event = Event::done("session.ended_all")
        .subject(user)
        .because(reason)
        .details(json!({ "sessions": ended.sessions }));
    history::record(conn, now, author, event)?;
    Ok(ended)
}

/// Cuts off one session of a person and records it, in the caller's transaction. Raises the standing.
///
/// # Errors
/// `Unknown`, or when the database is away.
pub fn end_one(
    conn: &mut Connection,
    user: UserId,
    session: SessionId,
    now: Timestamp,
    reason: Option<&str>,
    author: &Author,
) -> Result<Ended, EndError> {
    let what = (user, session, SessionEnd::Revoked);
    end_session(conn, what, now, reason, author)
}

fn end_session(
    conn: &mut Connection,
    (user, session, how): (UserId, SessionId, SessionEnd),
    now: Timestamp,
    reason: Option<&str>,
    author: &Author,
) -> Result<Ended, EndError> {
    if !standing::raise(conn, user, now)? || !queries::exists(conn, user, session)? {
        return Err(EndError::Unknown);
    }
    let was_open = queries::end(conn, user, session, now, "ended")?;
    // A session that somebody left may be cut off later: then what it gave for their absence ends too.
    revoke::end_session(conn, session, how, now)?;
    if !was_open {
        return Ok(Ended::default());
    }
    bound_the_ended(conn, user, None, now, author)?;
    let event = Event::done("session.ended")
        .subject(user)
        .because(reason)
        .details(json!({ "session": session }));
    history::record(conn, now, author, event)?;
    Ok(Ended { sessions: 1 })
}

fn end_rows(
    conn: &mut Connection,
    user: UserId,
    epoch: i64,
    now: Timestamp,
    reason: &str,
    concerns: impl Fn(&queries::OpenSession) -> bool,
) -> db::Result<Ended> {
    let mut ended = Ended::default();
    for session in queries::list_open(conn, user, epoch, now)? {
        if concerns(&session) && queries::end(conn, user, session.id, now, reason)? {
            // Also what it gave before it rested on the passkey.
            revoke::end_session(conn, session.id, SessionEnd::Revoked, now)?;
            ended.sessions = ended.sessions.saturating_add(1);
        }
    }
    Ok(ended)
}

/// Keeps the standing record small: with too many ended sessions in it, the rest end too, but for the one to keep. That one, if it
/// has not ended, as it moves on to the new epoch; `None` where nothing moved.
pub(super) fn bound_the_ended(
    conn: &mut Connection,
    user: UserId,
    kept: Option<&LiveSession>,
    now: Timestamp,
    author: &Author,
) -> db::Result<Option<LiveSession>> {
    let epoch = standing::find_epoch(conn, user)?.unwrap_or_default();
    if queries::count_ended(conn, user, epoch, now)? <= MOST_ENDED {
        return Ok(None);
    }
    standing::raise_epoch(conn, user, now)?;
    let next = epoch.saturating_add(1);
    let moved = match kept {
        Some(kept) => {
            let moved = LiveSession {
                epoch: next,
                ..kept.clone()
            };
            queries::update_raised(conn, &moved, kept)?.then_some(moved)
        }
        None => None,
    };
    let sessions = queries::end_epoch(conn, user, epoch, now, TOO_MANY)?;
    // Nobody cut these off: what people let apps do in their absence moves on.
    let kept = moved.as_ref().map(|moved| moved.id);
    revoke::leave_all(conn, user, kept, next, now)?;
    let event = Event::done("session.ended_all")
        .subject(user)
        .because(Some(TOO_MANY))
        .details(json!({ "sessions": sessions, "kept": kept }));
    history::record(conn, now, author, event)?;
    Ok(moved)
}

/// Whether a session is good at this moment of the caller's transaction, under the person's lock: what a request's check
/// found may be over by now.
///
/// # Errors
/// When the database is away.
pub fn is_good(conn: &mut Connection, session: &LiveSession) -> db::Result<bool> {
    let record = standing::find_record(conn, session.user)?;
    Ok(record.is_some_and(|record| record.judge(&session.claim()) == Verdict::Good))
}

/// The passkeys on which a session rests, if it is good at this moment of the caller's transaction.
///
/// # Errors
/// When the database is away.
pub fn find_good_passkeys(
    conn: &mut Connection,
    user: UserId,
    session: SessionId,
) -> db::Result<Option<Vec<PasskeyId>>> {
    let Some((epoch, passkeys)) = queries::find_open(conn, user, session)? else {
        return Ok(None);
    };
    let claim = standing::Claim {
        session,
        epoch,
        passkeys: &passkeys,
    };
    let record = standing::find_record(conn, user)?;
    let is_good = record.is_some_and(|record| record.judge(&claim) == Verdict::Good);
    Ok(is_good.then_some(passkeys))
}

impl Sessions {
    /// Cuts off one session of a person, and everything that it gave; safe to repeat.
    ///
    /// # Errors
    /// `Unknown`, or when the change is not in force.
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

    /// Ends the session of a person who leaves; what they let apps do in their absence stays. Safe to repeat.
    ///
    /// # Errors
    /// When the change is not in force.
    pub async fn leave(&self, session: &LiveSession, author: Author) -> Result<Ended, EndError> {
        let reason = Some(queries::SIGNED_OUT.to_owned());
        let what = (session.user, session.id, SessionEnd::SignedOut);
        // A session may always be given up, also by a user who was suspended a moment ago.
        self.end(what, reason, |_| Ok(author)).await
    }

    async fn end(
        &self,
        what: (UserId, SessionId, SessionEnd),
        reason: Option<String>,
        check: impl FnOnce(&mut Connection) -> Result<Author, ActingError> + Send + 'static,
    ) -> Result<Ended, EndError> {
        let database = self.database.clone();
        let (user, session, _) = what;
        let ended = self
            .database
            .write(move |conn| {
                let author = check(conn)?;
                if !standing::lock(conn, user)? {
                    return Err(EndError::Unknown);
                }
                let now = database.now(conn)?;
                end_session(conn, what, now, reason.as_deref(), &author)
            })
            .await?;
        self.standings.publish(user).await?;
        self.forget_seen(user, session).await;
        Ok(ended)
    }

    /// Only tidies up: the list asks the database first.
    pub(super) async fn forget_seen(&self, user: UserId, session: SessionId) {
        if let Err(error) = self.ephemeral.remove(&seen_key(user, session)).await {
            tracing::warn!(%error, "when a session was last seen is left to expire");
        }
    }

    /// Ends all sessions of a person; safe to repeat.
    ///
    /// # Errors
    /// `Unknown` when there is no such person, or when the change is not in force.
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
                if !standing::lock(conn, user)? {
                    return Err(EndError::Unknown);
                }
                let now = database.now(conn)?;
                Ok(end_all(conn, user, now, reason.as_deref(), &author)?)
            })
            .await?;
        self.standings.publish(user).await?;
        Ok(ended)
    }

    /// Ends all sessions of a person but one, which moves on to the new epoch under its old key.
    ///
    /// # Errors
    /// `Unknown` when the one to keep has ended; or when the change is not in force.
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
                let epoch = standing::find_epoch(conn, user)?.unwrap_or_default();
                if session.epoch != epoch {
                    return Err(EndError::Unknown);
                }
                standing::raise_epoch(conn, user, now)?;
                let kept = LiveSession {
                    epoch: epoch.saturating_add(1),
                    ..session.clone()
                };
                if !queries::update_raised(conn, &kept, &session)? {
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
        // The kept one first: a session ahead of the record makes the gate read a newer record, one behind it is over.
        let moved = self.keep(key, &kept).await;
        self.standings.publish(kept.user).await?;
        moved.map_err(|away| ChangePending(away.into()))?;
        Ok(ended)
    }

    /// Deletes a live copy, when its session is over anyway: an optimisation, never what ends it.
    pub(super) async fn forget(&self, key: &SessionKey) -> Result<(), Away> {
        self.ephemeral.remove(&key.store_key()).await
    }
}
