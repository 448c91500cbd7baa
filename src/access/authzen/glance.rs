//! Prefetches the cached copies that one evaluation needs in one round trip, while the client is being authenticated.

use serde_json::{Map, Value};

use super::AuthZen;
use super::request::{Tuple, USER};
use crate::access::thing::attributes;
use crate::access::{Access, ResourceName};
use crate::base::ids::UserId;
use crate::ephemeral::Away;
use crate::standing::{Standing, Standings};

/// Cached copies, each present or not.
#[derive(Debug, Default)]
pub struct Glance {
    /// Copies of the user, if the subject is named by user ID.
    pub(super) person: Option<PersonCopies>,
    /// Attributes of the resource, if its copy is current.
    pub(super) attributes: Option<Map<String, Value>>,
}

/// Copies of one user.
#[derive(Debug)]
pub(super) struct PersonCopies {
    user: UserId,
    standing: Option<String>,
    grants: Option<String>,
}

impl PersonCopies {
    pub(super) fn record(&self) -> Option<&str> {
        self.standing.as_deref().and_then(Standings::record_in)
    }

    /// Returns the copy of the user's roles. The subject may have resolved to another user, whose username looks like the ID;
    /// then the copy isn't used.
    pub(super) fn grants_of(&self, person: &Standing) -> Option<&str> {
        self.grants
            .as_deref()
            .filter(|_| self.user == person.user_id)
    }
}

impl AuthZen {
    /// Reads only copies, never the database, because the client isn't authenticated yet.
    pub async fn glance(&self, tuple: &Tuple) -> Result<Glance, Away> {
        let Ok(resource) = ResourceName::parse(&tuple.resource.kind, &tuple.resource.id) else {
            return Ok(Glance::default());
        };
        let (person, thing) = tokio::join!(
            self.glance_at_person(tuple, &resource),
            self.access.glance_at_thing(&resource)
        );
        Ok(Glance {
            person: person?,
            attributes: thing?.map(attributes),
        })
    }

    async fn glance_at_person(
        &self,
        tuple: &Tuple,
        resource: &ResourceName,
    ) -> Result<Option<PersonCopies>, Away> {
        if tuple.subject.kind != USER {
            return Ok(None);
        }
        let Some(user) = UserId::parse(&tuple.subject.id) else {
            return Ok(None);
        };
        let keys = [Standings::key(user), Access::grants_key(user, resource)];
        let copies = self.access.ephemeral.get(&[&keys[0], &keys[1]]).await?;
        let mut copies = copies.into_iter();
        Ok(Some(PersonCopies {
            user,
            standing: copies.next().flatten(),
            grants: copies.next().flatten(),
        }))
    }
}
