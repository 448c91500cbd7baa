//! Renames and revokes passkeys.

use serde_json::json;

use super::queries::Passkey;
use super::{Passkeys, queries};
use crate::account_state::{self, AccountState, ChangePending, UserStatus};
use crate::base::clock::Timestamp;
use crate::base::ids::{PasskeyId, UserId};
use crate::base::text_folding::is_unprintable;
use crate::clients::{ActingAs, ActingError};
use crate::db::{self, Connection};
use crate::history::{self, Author, Event, next_as_of};
use crate::sessions::{self, Ended};
use crate::users::{self, LastAdministrator, Permissions};

/// Maximum length of a passkey's name, in characters.
const MAX_NAME_LEN: usize = 60;

/// With which permission a passkey is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeAs {
    /// As its owner.
    Owner,
    /// As a manager of its owner.
    Manager(Permissions),
}

#[derive(Clone, Debug)]
pub struct RevocationResult {
    /// Number of sessions that ended because they depended on the passkey.
    pub sessions: usize,
    /// The credential IDs of the user's valid passkeys, for the WebAuthn Signal API.
    pub remaining: Vec<Vec<u8>>,
}

/// Why a passkey was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// The user has no such passkey, or doesn't exist.
    #[error("unknown passkey")]
    Unknown,
    /// Users can't remove their own last passkey, because they could not sign in again.
    #[error("this is the user's only passkey")]
    LastPasskey,
    #[error(transparent)]
    LastAdministrator(#[from] LastAdministrator),
    #[error("the caller may not manage this user")]
    NotPermitted,
    #[error("a passkey's name must have 1 to {MAX_NAME_LEN} printable characters")]
    Name,
    #[error(transparent)]
    Acting(#[from] ActingError),
    #[error(transparent)]
    Pending(#[from] ChangePending),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Trims a passkey's name, and checks that it is not empty, too long or unprintable.
pub(super) fn parse_name(text: &str) -> Result<String, ManageError> {
    let name = text.trim();
    let is_short = (1..=MAX_NAME_LEN).contains(&name.chars().count());
    if !is_short || name.chars().any(is_unprintable) {
        return Err(ManageError::Name);
    }
    Ok(name.to_owned())
}

impl Passkeys {
    /// Renames a passkey, unless it is revoked.
    pub async fn rename(
        &self,
        user: UserId,
        id: PasskeyId,
        name: &str,
        acting: ActingAs,
    ) -> Result<Passkey, ManageError> {
        let name = parse_name(name)?;
        let database = self.database.clone();
        self.database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                let now = database.now(conn)?;
                let mut passkey = find_of(conn, user, id)?;
                if !passkey.is_live() {
                    return Err(ManageError::Unknown);
                }
                if passkey.name == name {
                    return Ok(passkey);
                }
                passkey.name = name;
                save(conn, &mut passkey, now, &author)?;
                let event = Event::done("passkey.renamed")
                    .subject(user)
                    .passkey(id)
                    .details(json!({ "name": passkey.name }));
                history::record(conn, now, &author, event)?;
                Ok(passkey)
            })
            .await
    }

    /// Revokes a passkey and ends every session that depends on it. Idempotent. Users can't revoke their own last passkey, and no
    /// one can revoke the last passkey of the last administrator.
    pub async fn revoke(
        &self,
        user: UserId,
        id: PasskeyId,
        reason: Option<String>,
        revoke_as: RevokeAs,
        acting: ActingAs,
    ) -> Result<RevocationResult, ManageError> {
        let database = self.database.clone();
        let revoked = self
            .database
            .write(move |conn| {
                let author = acting.check(conn, &[user])?;
                let Some(now) = account_state::begin_change(conn, &database, user)? else {
                    return Err(ManageError::Unknown);
                };
                if let RevokeAs::Manager(permissions) = revoke_as {
                    require_manageable(conn, user, permissions)?;
                }
                let mut passkey = find_of(conn, user, id)?;
                let mut ended = Ended::default();
                if passkey.is_live() {
                    require_removable(conn, &passkey, revoke_as)?;
                    passkey.revoked_at = Some(now);
                    passkey.revoked_reason.clone_from(&reason);
                    save(conn, &mut passkey, now, &author)?;
                    ended = sessions::end_depending_on(conn, user, id, now, "passkey-revoked")?;
                    let event = Event::done("passkey.revoked")
                        .subject(user)
                        .passkey(id)
                        .with_reason(reason.as_deref())
                        .details(json!({ "name": passkey.name, "sessions": ended.sessions }));
                    history::record(conn, now, &author, event)?;
                }
                let remaining = queries::list_live_credential_ids(conn, user)?;
                Ok::<_, ManageError>(RevocationResult {
                    sessions: ended.sessions,
                    remaining,
                })
            })
            .await?;
        self.account_states.publish(user).await?;
        Ok(revoked)
    }
}

fn find_of(conn: &mut Connection, user: UserId, id: PasskeyId) -> Result<Passkey, ManageError> {
    queries::find(conn, id)?
        .filter(|passkey| passkey.user == user)
        .ok_or(ManageError::Unknown)
}

/// Checks that the caller may manage the user. The caller holds the locks on both account states.
fn require_manageable(
    conn: &mut Connection,
    user: UserId,
    permissions: Permissions,
) -> Result<(), ManageError> {
    let record = account_state::find_record(conn, user)?.ok_or(ManageError::Unknown)?;
    if permissions.may_manage(conn, user, &record.roles)? {
        Ok(())
    } else {
        Err(ManageError::NotPermitted)
    }
}

/// Checks that it is neither the owner's last passkey, if they revoke it themselves, nor the last passkey of
/// the last administrator.
fn require_removable(
    conn: &mut Connection,
    passkey: &Passkey,
    revoke_as: RevokeAs,
) -> Result<(), ManageError> {
    let record: AccountState =
        account_state::find_record(conn, passkey.user)?.ok_or(ManageError::Unknown)?;
    let is_last = record.passkeys.iter().all(|live| *live == passkey.id);
    if is_last && revoke_as == RevokeAs::Owner {
        return Err(ManageError::LastPasskey);
    }
    let may_administer = record.is_administrator() && record.status == UserStatus::Active;
    if is_last && may_administer {
        users::require_another_administrator(conn, passkey.user)??;
    }
    Ok(())
}

fn save(
    conn: &mut Connection,
    passkey: &mut Passkey,
    now: Timestamp,
    author: &Author,
) -> db::Result<()> {
    passkey.version = passkey.version.saturating_add(1);
    passkey.as_of = next_as_of(now, passkey.as_of);
    queries::update(conn, passkey, author)?;
    history::record_revision(conn, author, passkey.revision())
}
