//! SQL of `passkeys`.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{Credential, CredentialID};

use crate::base::clock::Timestamp;
use crate::base::ids::{Id, PasskeyId, SessionId, UserId, label};
use crate::db::schema::passkeys;
use crate::db::{Connection, Json, Result};
use crate::history::Author;

/// A passkey, as stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = passkeys)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
pub struct Passkey {
    pub id: PasskeyId,
    #[diesel(column_name = user_id)]
    pub user: UserId,
    /// Credential ID; unique, including revoked passkeys.
    pub credential_id: Vec<u8>,
    /// The serialized authenticator record.
    #[diesel(deserialize_as = Json<Credential>)]
    pub credential: Credential,
    pub name: String,
    #[diesel(deserialize_as = Id<label::Passkey>)]
    pub aaguid: Uuid,
    #[diesel(deserialize_as = Json<Vec<String>>)]
    pub transports: Vec<String>,
    /// The signature counter verified last.
    pub sign_count: i64,
    /// Whether its provider may copy it to other devices.
    pub backup_eligible: bool,
    /// Whether the passkey is backed up (synced).
    pub backup_state: bool,
    /// The session that it was added from, if any.
    pub enrolled_session: Option<SessionId>,
    /// A passkey that this session depended on.
    pub enrolled_passkey: Option<PasskeyId>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// Time of revocation; `None`: not revoked.
    pub revoked_at: Option<Timestamp>,
    pub revoked_reason: Option<String>,
    /// Version, counted from 1. The use of a passkey doesn't start a new version.
    pub version: i64,
    /// When this version was stored.
    pub as_of: Timestamp,
}

/// Which of a user's passkeys are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyFilter {
    /// Those that are not revoked.
    Valid,
    /// Also those that are revoked.
    All,
}

impl From<Json<Credential>> for Credential {
    fn from(stored: Json<Credential>) -> Self {
        stored.0
    }
}

pub fn find(conn: &mut Connection, id: PasskeyId) -> Result<Option<Passkey>> {
    let row = passkeys::table.find(id).select(Passkey::as_select());
    Ok(row.first(conn).optional()?)
}

pub fn find_by_credential_id(
    conn: &mut Connection,
    credential_id: &[u8],
) -> Result<Option<Passkey>> {
    Ok(passkeys::table
        .filter(passkeys::credential_id.eq(credential_id))
        .select(Passkey::as_select())
        .first(conn)
        .optional()?)
}

/// Finds the owner of the passkey with a credential ID; the passkey may be revoked.
pub fn find_owner_of_credential(
    conn: &mut Connection,
    credential_id: &[u8],
) -> Result<Option<UserId>> {
    Ok(passkeys::table
        .filter(passkeys::credential_id.eq(credential_id))
        .select(passkeys::user_id)
        .first(conn)
        .optional()?)
}

/// Counts the valid passkeys of each of these users. Users without any are left out.
pub fn count_live(conn: &mut Connection, users: &[UserId]) -> Result<HashMap<UserId, u64>> {
    let counts = passkeys::table
        .filter(passkeys::user_id.eq_any(users.to_vec()))
        .filter(passkeys::revoked_at.is_null())
        .group_by(passkeys::user_id)
        .select((passkeys::user_id, diesel::dsl::count_star()))
        .load::<(UserId, i64)>(conn)?;
    let whole = |count: i64| u64::try_from(count).unwrap_or_default();
    Ok(counts
        .into_iter()
        .map(|(user, count)| (user, whole(count)))
        .collect())
}

/// Finds the names of these passkeys, including revoked ones.
pub fn list_names(conn: &mut Connection, ids: &[PasskeyId]) -> Result<HashMap<PasskeyId, String>> {
    let names = passkeys::table
        .filter(passkeys::id.eq_any(ids.to_vec()))
        .select((passkeys::id, passkeys::name))
        .load::<(PasskeyId, String)>(conn)?;
    Ok(names.into_iter().collect())
}

pub fn find_owner(conn: &mut Connection, id: PasskeyId) -> Result<Option<UserId>> {
    Ok(passkeys::table
        .find(id)
        .select(passkeys::user_id)
        .first(conn)
        .optional()?)
}

pub fn list(conn: &mut Connection, user: UserId, filter: PasskeyFilter) -> Result<Vec<Passkey>> {
    let mut query = passkeys::table
        .filter(passkeys::user_id.eq(user))
        .order((passkeys::created_at, passkeys::id))
        .select(Passkey::as_select())
        .into_boxed();
    if filter == PasskeyFilter::Valid {
        query = query.filter(passkeys::revoked_at.is_null());
    }
    Ok(query.load(conn)?)
}

pub fn list_live_credential_ids(conn: &mut Connection, user: UserId) -> Result<Vec<CredentialID>> {
    let ids = passkeys::table
        .filter(passkeys::user_id.eq(user))
        .filter(passkeys::revoked_at.is_null())
        .order((passkeys::created_at, passkeys::id))
        .select(passkeys::credential_id)
        .load::<Vec<u8>>(conn)?;
    Ok(ids)
}

/// Counts a user's valid passkeys.
pub fn count_live_of(conn: &mut Connection, user: UserId) -> Result<usize> {
    let count = passkeys::table
        .filter(passkeys::user_id.eq(user))
        .filter(passkeys::revoked_at.is_null())
        .count()
        .get_result::<i64>(conn)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Lists a user's valid passkeys as `PublicKeyCredentialDescriptorJSON`.
pub fn list_live_descriptors(conn: &mut Connection, user: UserId) -> Result<Vec<Value>> {
    let rows = passkeys::table
        .filter(passkeys::user_id.eq(user))
        .filter(passkeys::revoked_at.is_null())
        .order((passkeys::created_at, passkeys::id))
        .select((passkeys::credential_id, passkeys::transports))
        .load::<(Vec<u8>, Json<Vec<String>>)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, Json(transports))| {
            json!({
                "type": "public-key",
                "id": URL_SAFE_NO_PAD.encode(id),
                "transports": transports,
            })
        })
        .collect())
}

pub fn insert(conn: &mut Connection, passkey: &Passkey, author: &Author) -> Result<()> {
    let aaguid: Id<label::Passkey> = Id::from_uuid(passkey.aaguid);
    diesel::insert_into(passkeys::table)
        .values((
            passkeys::id.eq(passkey.id),
            passkeys::user_id.eq(passkey.user),
            passkeys::credential_id.eq(&passkey.credential_id),
            passkeys::credential.eq(Json(passkey.credential.clone())),
            passkeys::name.eq(&passkey.name),
            passkeys::aaguid.eq(aaguid),
            passkeys::transports.eq(Json(passkey.transports.clone())),
            passkeys::sign_count.eq(passkey.sign_count),
            passkeys::backup_eligible.eq(passkey.backup_eligible),
            passkeys::backup_state.eq(passkey.backup_state),
            passkeys::enrolled_session.eq(passkey.enrolled_session),
            passkeys::enrolled_passkey.eq(passkey.enrolled_passkey),
            passkeys::created_at.eq(passkey.created_at),
            passkeys::version.eq(passkey.version),
            passkeys::as_of.eq(passkey.as_of),
            passkeys::by_user.eq(author.user()),
            passkeys::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Stores the use of a passkey, if its counter is unchanged and it is not revoked. Returns whether it did.
pub fn update_used(conn: &mut Connection, passkey: &Passkey, counter_before: i64) -> Result<bool> {
    let updated = diesel::update(passkeys::table.find(passkey.id))
        .filter(passkeys::sign_count.eq(counter_before))
        .filter(passkeys::revoked_at.is_null())
        .set((
            passkeys::credential.eq(Json(passkey.credential.clone())),
            passkeys::sign_count.eq(passkey.sign_count),
            passkeys::backup_state.eq(passkey.backup_state),
            passkeys::last_used_at.eq(passkey.last_used_at),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Stores the fields that a new version may change: name and revocation.
pub fn update(conn: &mut Connection, passkey: &Passkey, author: &Author) -> Result<()> {
    diesel::update(passkeys::table.find(passkey.id))
        .set((
            passkeys::name.eq(&passkey.name),
            passkeys::revoked_at.eq(passkey.revoked_at),
            passkeys::revoked_reason.eq(passkey.revoked_reason.as_deref()),
            passkeys::version.eq(passkey.version),
            passkeys::as_of.eq(passkey.as_of),
            passkeys::by_user.eq(author.user()),
            passkeys::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}
