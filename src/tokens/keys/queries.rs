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

#[derive(Queryable, Selectable)]
#[diesel(table_name = signing_keys)]
struct Row {
    id: SigningKeyId,
    algorithm: String,
    generation: i64,
    public: Json<Map<String, Value>>,
    published_at: Timestamp,
    signs_from: Timestamp,
    retires_at: Option<Timestamp>,
    compromised_at: Option<Timestamp>,
    created_at: Timestamp,
    version: i64,
    as_of: Timestamp,
}

/// Returns `None` for a key of an algorithm that this version of Doorward doesn't know.
fn key(row: Row) -> Option<SigningKey> {
    Some(SigningKey {
        id: row.id,
        algorithm: Algorithm::parse(&row.algorithm)?,
        generation: row.generation,
        public: row.public.0,
        published_at: row.published_at,
        signs_from: row.signs_from,
        retires_at: row.retires_at,
        compromised_at: row.compromised_at,
        created_at: row.created_at,
        version: row.version,
        as_of: row.as_of,
    })
}

/// Returns every key, ordered by algorithm, oldest first.
pub(super) fn list(conn: &mut Connection) -> Result<Vec<SigningKey>> {
    Ok(load_rows(conn)?.into_iter().filter_map(key).collect())
}

fn load_rows(conn: &mut Connection) -> Result<Vec<Row>> {
    Ok(signing_keys::table
        .select(Row::as_select())
        .order((signing_keys::algorithm, signing_keys::generation))
        .load(conn)?)
}

/// Returns the keys of one algorithm, oldest first.
pub(super) fn list_of(conn: &mut Connection, algorithm: Algorithm) -> Result<Vec<SigningKey>> {
    let rows: Vec<Row> = signing_keys::table
        .select(Row::as_select())
        .filter(signing_keys::algorithm.eq(algorithm.as_str()))
        .order(signing_keys::generation)
        .load(conn)?;
    Ok(rows.into_iter().filter_map(key).collect())
}

/// Returns every key and the sum of all versions, read in one statement.
pub(super) fn find_record(conn: &mut Connection) -> Result<Record> {
    let rows = load_rows(conn)?;
    let version = rows.iter().map(|row| row.version).sum();
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
