//! Suspends and reactivates users.

use serde_json::json;

use super::last_administrator::{LastAdministrator, require_another_administrator};
use super::queries::Voided;
use super::{Authority, User, Users, queries};
use crate::base::ids::UserId;
use crate::clients::{ActingAs, ActingError};
use crate::db;
use crate::history::{self, Event};
use crate::sessions::{self, Ended};
use crate::standing::{self, ChangePending, UserStatus};

/// Why a user was not suspended or reactivated.
#[derive(Debug, thiserror::Error)]
pub enum SuspendError {
    /// No user has this ID.
    #[error("no user has this ID")]
    Unknown,
    /// The user is the last administrator who can sign in.
    #[error(transparent)]
    LastAdministrator(#[from] LastAdministrator),
    /// The caller may not manage this user.
    #[error("the caller may not manage this user")]
    NotYours,
    /// The caller may no longer make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The change is committed, but not in force yet.
    #[error(transparent)]
    Pending(#[from] ChangePending),
    /// A database error.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Users {
    /// Suspends a user: all their sessions end, the unused links for them are voided, and their passkeys can't be used.
    /// Idempotent. The last administrator can't be suspended.
    pub async fn suspend(
        &self,
        id: UserId,
        reason: Option<String>,
        authority: Authority,
        acting: ActingAs,
    ) -> Result<Ended, SuspendError> {
        let database = self.database.clone();
        let ended = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[id])?;
                let Some(now) = standing::begin_change(conn, &database, id)? else {
                    return Err(SuspendError::Unknown);
                };
                let mut user = find_touchable(conn, id, authority)?;
                if user.status == UserStatus::Suspended {
                    return Ok(Ended::default());
                }
                if user.is_administrator() && user.status == UserStatus::Active {
                    require_another_administrator(conn, id)??;
                }
                user.status = UserStatus::Suspended;
                user.save(conn, now, &author)?;
                queries::void_invitations_of(conn, id, Voided::All, now)?;
                let ended = sessions::end_every(conn, id, now, "suspended")?;
                let event = Event::done("user.suspended")
                    .subject(id)
                    .because(reason.as_deref())
                    .details(json!({ "sessions": ended.sessions }));
                history::record(conn, now, &author, event)?;
                Ok(ended)
            })
            .await?;
        self.standings.publish(id).await?;
        Ok(ended)
    }

    /// Reactivates a suspended user, who can sign in again with their remaining passkeys. Idempotent.
    pub async fn reactivate(
        &self,
        id: UserId,
        reason: Option<String>,
        authority: Authority,
        acting: ActingAs,
    ) -> Result<(), SuspendError> {
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let author = acting.check(conn, &[id])?;
                let Some(now) = standing::begin_change(conn, &database, id)? else {
                    return Err(SuspendError::Unknown);
                };
                let mut user = find_touchable(conn, id, authority)?;
                if user.status != UserStatus::Suspended {
                    return Ok(());
                }
                // A user who never signed in becomes invited again.
                user.status = if sessions::has_ever_signed_in(conn, id)? {
                    UserStatus::Active
                } else {
                    UserStatus::Invited
                };
                user.save(conn, now, &author)?;
                let event = Event::done("user.reactivated")
                    .subject(id)
                    .because(reason.as_deref());
                Ok(history::record(conn, now, &author, event)?)
            })
            .await?;
        self.standings.publish(id).await?;
        Ok(())
    }
}

fn find_touchable(
    conn: &mut db::Connection,
    id: UserId,
    authority: Authority,
) -> Result<User, SuspendError> {
    let user = queries::find_user(conn, id)?.ok_or(SuspendError::Unknown)?;
    if !authority.may_manage(conn, id, &user.roles)? {
        return Err(SuspendError::NotYours);
    }
    Ok(user)
}
