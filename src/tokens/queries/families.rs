//! SQL of `refresh_families`.

use diesel::prelude::*;

use super::rows::{Authorization, Family};
use crate::base::clock::Timestamp;
use crate::base::ids::{AuthorizationId, RefreshFamilyId};
use crate::db::portable::ForUpdate;
use crate::db::schema::refresh_families;
use crate::db::{Connection, Result};
use crate::tokens::consumed::ConsumedGrant;
use crate::tokens::refresh::{RefreshToken, Rotation, TokenUse, check_use};

/// Creates a family and returns its first token.
pub fn begin(
    conn: &mut Connection,
    authorization: AuthorizationId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<RefreshToken> {
    let family = Family {
        id: RefreshFamilyId::random(),
        authorization,
        generation: 1,
        rotated_at: now,
        expires_at,
        created_at: now,
    };
    diesel::insert_into(refresh_families::table)
        .values(&family)
        .execute(conn)?;
    Ok(RefreshToken {
        family: family.id,
        generation: family.generation,
    })
}

pub fn find(conn: &mut Connection, id: RefreshFamilyId) -> Result<Option<Family>> {
    Ok(refresh_families::table.find(id).first(conn).optional()?)
}

/// Returns a family and locks its row until the transaction ends.
pub fn lock(conn: &mut Connection, id: RefreshFamilyId) -> Result<Option<Family>> {
    Ok(ForUpdate(refresh_families::table.find(id))
        .get_result(conn)
        .optional()?)
}

/// Uses a genuine refresh token. Returns the proof of the use, and the refresh token that the client gets; `None` if it was used
/// before: two parties hold the family, so it must end (RFC 9700 §4.14.2). A first use is a compare-and-set. The caller must hold
/// the lock of the family's row.
pub fn rotate(
    conn: &mut Connection,
    (family, authorization): (&Family, Authorization),
    presented: RefreshToken,
    rotation: Rotation,
    now: Timestamp,
) -> Result<Option<(ConsumedGrant, RefreshToken)>> {
    let generation = match check_use(family, presented.generation, rotation, now) {
        TokenUse::Replayed => return Ok(None),
        // The successor is computed, not random: the client gets the same text as the first time.
        TokenUse::Repeated => family.generation,
        TokenUse::First { next } => {
            let advanced = diesel::update(refresh_families::table.find(family.id))
                .filter(refresh_families::generation.eq(presented.generation))
                .set((
                    refresh_families::generation.eq(next),
                    refresh_families::rotated_at.eq(now),
                ))
                .execute(conn)?;
            if advanced == 0 {
                return Ok(None);
            }
            next
        }
    };
    let next = RefreshToken {
        family: family.id,
        generation,
    };
    Ok(Some((ConsumedGrant::new(authorization), next)))
}
