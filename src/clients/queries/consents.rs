//! SQL for `consents`: the scopes that each user granted to each client, and the resources that they are for. A consent is in force
//! only under the client's current `consent_epoch`, which every change that loosens the client increments.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{parse_scopes, scope_names};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::clients::Scopes;
use crate::db::schema::{clients, consents};
use crate::db::{Connection, Json, Result};

/// What a user is asked to consent to, or has consented to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentTerms {
    /// The scopes of the consent.
    pub scopes: Scopes,
    /// The resources (RFC 8707) that tokens may be for, in addition to Doorward itself.
    pub resources: BTreeSet<String>,
}

impl ConsentTerms {
    /// Whether `granted` covers all these scopes and resources.
    pub fn are_subset_of(&self, granted: &Self) -> bool {
        self.scopes.is_subset(&granted.scopes) && self.resources.is_subset(&granted.resources)
    }

    /// The scopes and resources of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            scopes: self.scopes.union(&other.scopes),
            resources: self.resources.union(&other.resources).cloned().collect(),
        }
    }
}

/// A stored consent.
#[derive(Clone, Debug, Default)]
pub struct Consent {
    /// What was granted; empty if the consent was voided.
    pub terms: ConsentTerms,
    /// Whether the consent is in force.
    pub is_in_force: bool,
    /// Whether a row exists, voided or not.
    pub is_stored: bool,
    /// The client's current consent epoch, under which a new consent is stored.
    pub client_epoch: i64,
}

fn resources(resources: &BTreeSet<String>) -> Json<Vec<String>> {
    Json(resources.iter().cloned().collect())
}

/// Returns the client's current consent epoch; 0 if the client does not exist.
fn epoch(conn: &mut Connection, client: ClientId) -> Result<i64> {
    let found = clients::table
        .find(client)
        .select(clients::consent_epoch)
        .first::<i64>(conn)
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Finds a user's consent to a client.
pub fn find(conn: &mut Connection, user: UserId, client: ClientId) -> Result<Consent> {
    let client_epoch = epoch(conn, client)?;
    let row = consents::table
        .find((user, client))
        .select((
            consents::scopes,
            consents::resources,
            consents::client_epoch,
        ))
        .first::<(Json<Vec<String>>, Json<Vec<String>>, i64)>(conn)
        .optional()?;
    let is_stored = row.is_some();
    let granted = row.filter(|(.., epoch)| *epoch == client_epoch);
    Ok(Consent {
        is_in_force: granted.is_some(),
        terms: granted.map_or_else(ConsentTerms::default, |(scopes, resources, _)| {
            ConsentTerms {
                scopes: parse_scopes(&scopes.0),
                resources: resources.0.into_iter().collect(),
            }
        }),
        is_stored,
        client_epoch,
    })
}

/// Lists the clients that a user has consented to, with the scopes and the time of the first consent (renewals don't change it).
pub fn list(conn: &mut Connection, user: UserId) -> Result<Vec<(ClientId, Scopes, Timestamp)>> {
    let rows = consents::table
        .inner_join(clients::table)
        .filter(consents::user_id.eq(user))
        .filter(consents::client_epoch.eq(clients::consent_epoch))
        .select((consents::client_id, consents::scopes, consents::created_at))
        .load::<(ClientId, Json<Vec<String>>, Timestamp)>(conn)?;
    Ok(rows
        .into_iter()
        .map(|(client, names, since)| (client, parse_scopes(&names.0), since))
        .collect())
}

/// Counts the consents to a client that were given under this epoch.
pub fn count(conn: &mut Connection, client: ClientId, epoch: i64) -> Result<i64> {
    Ok(consents::table
        .filter(consents::client_id.eq(client))
        .filter(consents::client_epoch.eq(epoch))
        .count()
        .get_result(conn)?)
}

/// Stores a consent in place of the one that was found. The caller must hold the lock on the user's account.
pub fn store(
    conn: &mut Connection,
    (user, client): (UserId, ClientId),
    granted: &ConsentTerms,
    found: &Consent,
    now: Timestamp,
) -> Result<()> {
    let columns = (
        consents::scopes.eq(scope_names(&granted.scopes)),
        consents::resources.eq(resources(&granted.resources)),
        consents::updated_at.eq(now),
        consents::client_epoch.eq(found.client_epoch),
    );
    if found.is_stored {
        diesel::update(consents::table.find((user, client)))
            .set(columns)
            .execute(conn)?;
    } else {
        let id = (consents::user_id.eq(user), consents::client_id.eq(client));
        diesel::insert_into(consents::table)
            .values((id, consents::created_at.eq(now), columns))
            .execute(conn)?;
    }
    Ok(())
}

/// Deletes a consent. Returns whether one existed.
pub fn delete(conn: &mut Connection, user: UserId, client: ClientId) -> Result<bool> {
    Ok(diesel::delete(consents::table.find((user, client))).execute(conn)? == 1)
}
