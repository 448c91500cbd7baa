//! There is always an administrator who can sign in.

use super::{Users, queries};
use crate::base::ids::UserId;
use crate::db::{self, Connection};
use crate::standing::{self, ADMINISTRATOR, UserStatus};

/// The change would leave nobody to administer the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is the only administrator who can sign in; make another user an administrator first")]
pub struct LastAdministrator;

/// Asks whether somebody else can still administer: active, holding `admin`, with a live passkey. Takes the lock on the role
/// until the transaction ends, so that of two administrators who go at once one stays. The caller holds `user`'s standing;
/// nobody takes a standing after this lock, so none waits in a circle.
pub fn require_another_administrator(
    conn: &mut Connection,
    user: UserId,
) -> db::Result<Result<(), LastAdministrator>> {
    queries::lock_role(conn, ADMINISTRATOR)?;
    Ok(if has_another_administrator(conn, user)? {
        Ok(())
    } else {
        Err(LastAdministrator)
    })
}

fn has_another_administrator(conn: &mut Connection, user: UserId) -> db::Result<bool> {
    for other in queries::list_active_holders(conn, ADMINISTRATOR)? {
        if other == user {
            continue;
        }
        let record = standing::find_record(conn, other)?;
        let can_sign_in = record.is_some_and(|record| {
            record.status == UserStatus::Active && !record.passkeys.is_empty()
        });
        if can_sign_in {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Users {
    /// Whether a person is the last who can administer, as things stand: for pages, which say so beforehand. What decides is
    /// [`require_another_administrator`], under its lock.
    pub async fn is_last_administrator(&self, user: UserId) -> db::Result<bool> {
        self.database
            .read(move |conn| {
                let record = standing::find_record(conn, user)?;
                let may_administer = record.is_some_and(|record| {
                    record.is_administrator() && record.status == UserStatus::Active
                });
                Ok(may_administer && !has_another_administrator(conn, user)?)
            })
            .await
    }
}
