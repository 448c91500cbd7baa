//! Ensures that there is always an administrator who can sign in.

use super::{Users, queries};
use crate::account_state::{self, ADMINISTRATOR, UserStatus};
use crate::base::ids::UserId;
use crate::db::{self, Connection};

/// The change would leave no administrator who can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is the only administrator who can sign in; make another user an administrator first")]
pub struct LastAdministrator;

/// Checks that another administrator can sign in: an active user with the role `admin` and a valid passkey. Locks the role until
/// the transaction ends, so that of two administrators who are removed concurrently one remains. The caller holds the lock on
/// `user`'s account state. No transaction locks an account state after this lock, so there is no deadlock.
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
        let record = account_state::find_record(conn, other)?;
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
    /// Whether a user is currently the only administrator who can sign in. Pages use it to warn beforehand;
    /// [`require_another_administrator`] decides, under its lock.
    pub async fn is_last_administrator(&self, user: UserId) -> db::Result<bool> {
        self.database
            .read(move |conn| {
                let record = account_state::find_record(conn, user)?;
                let may_administer = record.is_some_and(|record| {
                    record.is_administrator() && record.status == UserStatus::Active
                });
                Ok(may_administer && !has_another_administrator(conn, user)?)
            })
            .await
    }
}
