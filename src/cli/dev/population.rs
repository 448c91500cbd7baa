//! Who is made up: everything about the person of a number, in an order in which indexes grow at their ends.

use std::ops::Range;

use serde_json::{Value, json};
use uuid::Uuid;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::ResourceName;
use crate::access::seed::SeededGrant;
use crate::base::clock::Timestamp;
use crate::base::ids::{Id, PasskeyId, SessionId, UserId};
use crate::passkeys::seed::PublicKey;
use crate::passkeys::{self, Passkey};
use crate::users::{self, User};

/// How many roles there are; each person holds one.
const ROLES: u64 = 10;
/// How many grants there are on each thing.
const GRANTS_ON_A_THING: u64 = 4;
/// Of what kind all things are.
const KIND: &str = "order";
/// What people are on them, in turn.
const HELD: [&str; 2] = ["OPERATOR", "VIEWER"];

/// How many of each.
#[derive(Clone, Debug)]
pub(super) struct Population {
    pub(super) users: u64,
    pub(super) passkeys: u64,
    pub(super) grants: u64,
    pub(super) sessions: u64,
    pub(super) key: PublicKey,
    /// Since when all of it stands.
    pub(super) at: Timestamp,
}

/// Some people with all that is theirs.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) is_first: bool,
    pub(super) people: Vec<User>,
    pub(super) passkeys: Vec<Passkey>,
    pub(super) sessions: Vec<(SessionId, UserId, PasskeyId)>,
    pub(super) grants: Vec<SeededGrant>,
    pub(super) resources: Vec<ResourceName>,
}

impl Population {
    /// The names of all roles.
    pub(super) fn roles() -> Vec<String> {
        (0..ROLES).map(role).collect()
    }

    /// How many people come with so many rows: at least one.
    pub(super) fn people_in(&self, rows: u64) -> u64 {
        (rows / self.rows_of_one()).max(1)
    }

    /// How many rows are written for one person, rounded up: a row, a name, a role, a standing; a passkey, a session, a grant
    /// each; a share of the things. All but names, roles, standings and sessions have a revision.
    fn rows_of_one(&self) -> u64 {
        let own = 5_u64.saturating_add(self.sessions);
        let with_revisions = self.passkeys.saturating_add(self.grants).saturating_mul(2);
        let things = self.grants.saturating_mul(2).div_ceil(GRANTS_ON_A_THING);
        own.saturating_add(with_revisions).saturating_add(things)
    }

    /// The people of these numbers.
    pub(super) fn batch(&self, numbers: Range<u64>) -> Batch {
        let mut batch = Batch {
            is_first: numbers.start == 0,
            ..Batch::default()
        };
        for number in numbers {
            self.add(number, &mut batch);
        }
        batch
    }

    fn add(&self, number: u64, batch: &mut Batch) {
        let id = id_of(number, self.users);
        let name = format!("person-{number:07}");
        batch
            .people
            .push(users::seed::person(id, name, role(number % ROLES), self.at));
        let mut first = None;
        for place in places(number, self.passkeys) {
            let all = self.users.saturating_mul(self.passkeys);
            let passkey = id_of(place, all);
            let credential_id = [uuid(place, all), Uuid::new_v4()].map(Uuid::into_bytes);
            let credential_id = credential_id.concat();
            batch.passkeys.push(passkeys::seed::passkey(
                (passkey, id),
                credential_id,
                &self.key,
                self.at,
            ));
            first.get_or_insert(passkey);
        }
        if let Some(passkey) = first {
            let sessions = (0..self.sessions).map(|_| (SessionId::random(), id, passkey));
            batch.sessions.extend(sessions);
        }
        let things = places(number / GRANTS_ON_A_THING, self.grants);
        let held = places(number, self.grants).zip(things);
        for ((place, thing), role) in held.zip(HELD.iter().cycle()) {
            let Ok(resource) = ResourceName::parse(KIND, &format!("{thing:07}")) else {
                continue;
            };
            // The first who holds something on it brings it along.
            if number.is_multiple_of(GRANTS_ON_A_THING) {
                batch.resources.push(resource.clone());
            }
            batch.grants.push(SeededGrant {
                id: id_of(place, self.users.saturating_mul(self.grants)),
                user: id,
                resource,
                role,
            });
        }
    }
}

fn id_of<T>(place: u64, all: u64) -> Id<T> {
    Id::from_uuid(uuid(place, all))
}

/// A random UUID (version 4) out of the share of all UUIDs that the place has among all places: evenly spread as random ones
/// are, and made in their order, so that a million rows are written at the ends of indexes instead of all over them.
fn uuid(place: u64, all: u64) -> Uuid {
    /// The bits before the version.
    const LEADING: u32 = 48;
    let share = (1_u64 << LEADING) / all.max(1);
    let random = Uuid::new_v4();
    let within = random.as_u64_pair().0 >> (u64::BITS - LEADING);
    let leading = place
        .saturating_mul(share)
        .saturating_add(within % share.max(1));
    let mut bytes = random.into_bytes();
    for (to, from) in bytes
        .iter_mut()
        .zip(leading.to_be_bytes().into_iter().skip(2))
    {
        *to = from;
    }
    Uuid::from_bytes(bytes)
}

/// The places of what belongs to a person among all of its kind.
fn places(number: u64, each: u64) -> Range<u64> {
    let first = number.saturating_mul(each);
    first..first.saturating_add(each)
}

fn role(number: u64) -> String {
    format!("seeded-{number}")
}

impl Batch {
    /// What whoever measures needs to know of a person.
    pub(super) fn describe(&self, place: usize) -> Option<Value> {
        let user = self.people.get(place)?;
        let own = |passkey: &&Passkey| passkey.user == user.id;
        let credentials = self.passkeys.iter().filter(own);
        let held = self.grants.iter().filter(|grant| grant.user == user.id);
        Some(json!({
            "user": user.id,
            "username": user.username,
            "credentials": credentials
                .map(|passkey| URL_SAFE_NO_PAD.encode(&passkey.credential_id))
                .collect::<Vec<_>>(),
            "grants": held
                .map(|grant| json!({ "resource": grant.resource, "role": grant.role }))
                .collect::<Vec<_>>(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_ascend_over_their_whole_range_and_are_random_uuids() {
        let ids: Vec<Uuid> = (0..1000).map(|place| uuid(place, 1000)).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
        assert!(ids[0].as_bytes()[0] == 0 && ids[999].as_bytes()[0] == 0xff);
    }

    fn population(users: u64, passkeys: u64, grants: u64, sessions: u64) -> Population {
        Population {
            users,
            passkeys,
            grants,
            sessions,
            key: PublicKey::nobodys().expect("a key"),
            at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn a_batch_is_as_large_whatever_people_have() {
        assert_eq!(population(1, 2, 2, 0).people_in(28_000), 2000);
        assert_eq!(population(1, 2, 2, 0).people_in(1), 1);
        for (passkeys, grants, sessions) in [(0, 0, 0), (2, 2, 1), (20, 20, 20)] {
            let population = population(4000, passkeys, grants, sessions);
            let people = population.people_in(4000);
            let batch = population.batch(0..people);
            let with_revisions = batch.people.len()
                + batch.passkeys.len()
                + batch.grants.len()
                + batch.resources.len();
            let rows = 3 * batch.people.len() + 2 * with_revisions + batch.sessions.len();
            assert!(
                (3500..=4200).contains(&rows),
                "{rows} rows of {people} people"
            );
        }
    }

    #[test]
    fn everybody_has_what_is_theirs() {
        let population = population(10, 2, 3, 1);
        let batch = population.batch(0..10);
        assert_eq!((batch.people.len(), batch.passkeys.len()), (10, 20));
        assert_eq!((batch.grants.len(), batch.sessions.len()), (30, 10));
        // Three things for each four people.
        assert_eq!(batch.resources.len(), 9);
        let held: BTreeSet<_> = batch
            .grants
            .iter()
            .map(|grant| (grant.user, &grant.resource))
            .collect();
        assert_eq!(held.len(), 30, "nobody holds anything twice on one thing");
    }
}
