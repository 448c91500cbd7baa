//! SQL of `consents`.

use diesel::prelude::*;

use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::clients::Scopes;
use crate::db::schema::consents;
use crate::db::{Connection, Json, Result};

fn scopes(Json(names): Json<Vec<String>>) -> Scopes {
    Scopes::parse(&names.join(" ")).unwrap_or_default()
}

fn names(scopes: &Scopes) -> Json<Vec<String>> {
    Json(scopes.names().map(str::to_owned).collect())
}

pub(super) fn find_consent(
    conn: &mut Connection,
    user: UserId,
    client: ClientId,
) -> Result<Option<Scopes>> {
    let found = consents::table
        .find((user, client))
        .select(consents::scopes)
        .first(conn)
        .optional()?;
    Ok(found.map(scopes))
}

pub(super) fn list_consents(
    conn: &mut Connection,
    user: UserId,
) -> Result<Vec<(ClientId, Scopes, Timestamp)>> {
    let rows = consents::table
        .filter(consents::user_id.eq(user))
        .select((consents::client_id, consents::scopes, consents::created_at))
        .load::<(ClientId, Json<Vec<String>>, Timestamp)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(client, names, since)| (client, scopes(names), since))
        .collect())
}

/// Writes a consent. The caller holds the person's standing, and knows whether there `is` one.
pub(super) fn store_consent(
    conn: &mut Connection,
    (user, client): (UserId, ClientId),
    given: &Scopes,
    is: bool,
    now: Timestamp,
) -> Result<()> {
    if is {
        diesel::update(consents::table.find((user, client)))
            .set((
                consents::scopes.eq(names(given)),
                consents::updated_at.eq(now),
            ))
            .execute(conn)?;
    } else {
        diesel::insert_into(consents::table)
            .values((
                consents::user_id.eq(user),
                consents::client_id.eq(client),
                consents::scopes.eq(names(given)),
                consents::created_at.eq(now),
                consents::updated_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Forgets a consent; whether there was one.
pub(super) fn delete_consent(
    conn: &mut Connection,
    user: UserId,
    client: ClientId,
) -> Result<bool> {
    Ok(diesel::delete(consents::table.find((user, client))).execute(conn)? == 1)
}
