//! SQL of `signing_keys`.

use diesel::prelude::*;
use serde_json::{Map, Value};

use super::key::SigningKey;
use super::key_set::Record;
use crate::base::clock::Timestamp;
use crate::base::ids::SigningKeyId;
use crate::clients::Algorithm;
use crate::db::portable::ForUpdate;
use crate::db::schema::signing_keys;
use crate::db::{Connection, Json, Result};
use crate::history::Author;

type Row = (
    SigningKeyId,
    String,
    i64,
    Json<Map<String, Value>>,
    Timestamp,
    Timestamp,
    Option<Timestamp>,
    Option<Timestamp>,
    Timestamp,
    i64,
    Timestamp,
);

const COLUMNS: (
    signing_keys::id,
    signing_keys::algorithm,
    signing_keys::generation,
    signing_keys::public,
    signing_keys::published_at,
    signing_keys::signs_from,
    signing_keys::retires_at,
    signing_keys::compromised_at,
    signing_keys::created_at,
    signing_keys::version,
    signing_keys::as_of,
) = (
    signing_keys::id,
    signing_keys::algorithm,
    signing_keys::generation,
    signing_keys::public,
    signing_keys::published_at,
    signing_keys::signs_from,
    signing_keys::retires_at,
    signing_keys::compromised_at,
    signing_keys::created_at,
    signing_keys::version,
    signing_keys::as_of,
);

/// Returns `None` for a key of an algorithm that this version of Doorward doesn't know.
fn key(row: Row) -> Option<SigningKey> {
    Some(SigningKey {
        id: row.0,
        algorithm: Algorithm::parse(&row.1)?,
        generation: row.2,
        public: row.3.0,
        published_at: row.4,
        signs_from: row.5,
        retires_at: row.6,
        compromised_at: row.7,
        created_at: row.8,
        version: row.9,
        as_of: row.10,
    })
}

/// Returns every key, ordered by algorithm, oldest first.
pub(super) fn list(conn: &mut Connection) -> Result<Vec<SigningKey>> {
    let rows = signing_keys::table
        .select(COLUMNS)
        .order((signing_keys::algorithm, signing_keys::generation))
        .load::<Row>(conn)?;
    Ok(rows.into_iter().filter_map(key).collect())
}

/// Returns the keys of one algorithm, oldest first.
pub(super) fn list_of(conn: &mut Connection, algorithm: Algorithm) -> Result<Vec<SigningKey>> {
    let rows = signing_keys::table
        .select(COLUMNS)
        .filter(signing_keys::algorithm.eq(algorithm.as_str()))
        .order(signing_keys::generation)
        .load::<Row>(conn)?;
    Ok(rows.into_iter().filter_map(key).collect())
}

/// Returns every key and the sum of all versions, read in one statement.
pub(super) fn find_record(conn: &mut Connection) -> Result<Record> {
    let rows = signing_keys::table
        .select(COLUMNS)
        .order((signing_keys::algorithm, signing_keys::generation))
        .load::<Row>(conn)?;
    let version = rows.iter().map(|row| row.9).sum();
    let keys: Vec<SigningKey> = rows.into_iter().filter_map(key).collect();
    Ok(Record::of(version, &keys))
}

/// Returns the sum of all versions. There are few keys, so it is computed regardless of the start time.
pub(super) fn list_changes_since(
    conn: &mut Connection,
    _from: Timestamp,
) -> Result<Vec<((), i64)>> {
    let versions = signing_keys::table
        .select(signing_keys::version)
        .load::<i64>(conn)?;
    Ok(vec![((), versions.iter().sum())])
}

/// Locks the keys of one algorithm against other changes until the transaction ends, and returns them.
pub(super) fn lock(conn: &mut Connection, algorithm: Algorithm) -> Result<Vec<SigningKey>> {
    // The row of the first key is never deleted, so it serves as the lock for all of them.
    let first = signing_keys::table
        .filter(signing_keys::algorithm.eq(algorithm.as_str()))
        .filter(signing_keys::generation.eq(1))
        .select(signing_keys::id);
    ForUpdate(first)
        .get_result::<SigningKeyId>(conn)
        .optional()?;
    list_of(conn, algorithm)
}

pub(super) fn insert(
    conn: &mut Connection,
    key: &SigningKey,
    sealed: &[u8],
    author: &Author,
) -> Result<()> {
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::id.eq(key.id),
            signing_keys::algorithm.eq(key.algorithm.as_str()),
            signing_keys::generation.eq(key.generation),
            signing_keys::public.eq(Json(key.public.clone())),
            signing_keys::sealed.eq(sealed.to_vec()),
            signing_keys::published_at.eq(key.published_at),
            signing_keys::signs_from.eq(key.signs_from),
            signing_keys::retires_at.eq(key.retires_at),
            signing_keys::compromised_at.eq(key.compromised_at),
            signing_keys::created_at.eq(key.created_at),
            signing_keys::version.eq(key.version),
            signing_keys::as_of.eq(key.as_of),
            signing_keys::by_user.eq(author.user()),
            signing_keys::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Updates the columns of a key that can change.
pub(super) fn update(conn: &mut Connection, key: &SigningKey, author: &Author) -> Result<()> {
    diesel::update(signing_keys::table.find(key.id))
        .set((
            signing_keys::retires_at.eq(key.retires_at),
            signing_keys::compromised_at.eq(key.compromised_at),
            signing_keys::version.eq(key.version),
            signing_keys::as_of.eq(key.as_of),
            signing_keys::by_user.eq(author.user()),
            signing_keys::by_client.eq(author.client()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Returns the encrypted private key.
pub(super) fn find_sealed(conn: &mut Connection, id: SigningKeyId) -> Result<Option<Vec<u8>>> {
    Ok(signing_keys::table
        .find(id)
        .select(signing_keys::sealed)
        .first(conn)
        .optional()?)
}

/// Replaces the encrypted private key. The caller must also call [`update`].
pub(super) fn update_sealed(conn: &mut Connection, id: SigningKeyId, sealed: &[u8]) -> Result<()> {
    diesel::update(signing_keys::table.find(id))
        .set(signing_keys::sealed.eq(sealed.to_vec()))
        .execute(conn)?;
    Ok(())
}
