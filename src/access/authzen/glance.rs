//! What one evaluation rests on, as far as copies tell it, read in one round trip while the client that asks shows who it is.

use serde_json::{Map, Value};

use super::AuthZen;
use super::request::{Tuple, USER};
use crate::access::thing::attributes;
use crate::access::{Access, ResourceName};
use crate::base::ids::UserId;
use crate::ephemeral::Away;
use crate::standing::{Standing, Standings};

/// Copies, there or not.
#[derive(Debug, Default)]
pub struct Glance {
    /// Of a person who is named by id.
    pub(super) person: Option<PersonCopies>,
    /// What the registry says of the thing, where its copy is to be believed.
    pub(super) attributes: Option<Map<String, Value>>,
}

/// Of one person.
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

    /// The copy of what this person holds; somebody else may have been found under the id, by a username that looks like one.
    pub(super) fn grants_of(&self, person: &Standing) -> Option<&str> {
        self.grants
            .as_deref()
            .filter(|_| self.user == person.user_id)
    }
}

impl AuthZen {
    /// Reads copies and nothing else: whoever asks may still turn out to be nobody.
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
