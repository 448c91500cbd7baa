//! SQL of the one `setup` row.

use diesel::prelude::*;

use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::secrets::TokenHash;
use crate::db::schema::setup;
use crate::db::{Connection, Result};

/// What the installation was created with, and its set-up link.
#[derive(Clone, Debug, Queryable)]
pub struct SetUpRow {
    _id: i64,
    pub key_check: Vec<u8>,
    pub rp_id: String,
    pub token_hash: Option<Vec<u8>>,
    pub expires_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    _user_id: Option<UserId>,
}

pub fn find_setup(conn: &mut Connection) -> Result<Option<SetUpRow>> {
    Ok(setup::table.find(1).first(conn).optional()?)
}

pub fn insert_setup(conn: &mut Connection, key_check: &[u8], rp_id: &str) -> Result<()> {
    diesel::insert_into(setup::table)
        .values((
            setup::id.eq(1),
            setup::key_check.eq(key_check),
            setup::rp_id.eq(rp_id),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn update_setup(conn: &mut Connection, key_check: &[u8], rp_id: &str) -> Result<()> {
    diesel::update(setup::table.find(1))
        .set((setup::key_check.eq(key_check), setup::rp_id.eq(rp_id)))
        .execute(conn)?;
    Ok(())
}

/// Replaces the set-up link; `false` if the first administrator exists.
pub fn replace_link(
    conn: &mut Connection,
    token: &TokenHash,
    expires_at: Timestamp,
) -> Result<bool> {
    let replaced = diesel::update(setup::table.find(1))
        .filter(setup::completed_at.is_null())
        .set((
            setup::token_hash.eq(token.as_bytes().to_vec()),
            setup::expires_at.eq(expires_at),
        ))
        .execute(conn)?;
    Ok(replaced == 1)
}

/// Consumes the set-up link with one conditional update, of which only one succeeds if there are several at the same time.
pub fn complete(
    conn: &mut Connection,
    token: &TokenHash,
    user: UserId,
    now: Timestamp,
) -> Result<bool> {
    let completed = diesel::update(setup::table.find(1))
        .filter(setup::completed_at.is_null())
        .filter(setup::token_hash.eq(token.as_bytes().to_vec()))
        .set((setup::completed_at.eq(now), setup::user_id.eq(user)))
        .execute(conn)?;
    Ok(completed == 1)
}

/// Closes set-up when a user becomes an administrator in another way: no set-up link works any more.
pub fn close_set_up(conn: &mut Connection, user: UserId, now: Timestamp) -> Result<()> {
    diesel::update(setup::table.find(1))
        .filter(setup::completed_at.is_null())
        .set((setup::completed_at.eq(now), setup::user_id.eq(user)))
        .execute(conn)?;
    Ok(())
}
