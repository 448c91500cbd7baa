//! Searches the resources on which a subject may perform an action: first registered resources, then unregistered ones on which
//! the user holds roles.

use serde_json::{Map, Value, json};

use super::page::{Filling, Found, Wish};
use super::request::{IdOf, read_action, read_context, read_named};
use super::{AuthZen, AuthZenError};
use crate::access::policies::Facts;
use crate::access::queries::Candidate;
use crate::access::{Claimed, ResourceId, ResourceName, ResourceType, Subject, is_action, queries};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::standing::Unavailable;

const BATCH: usize = 200;

/// Position of a search: one of the two lists, and the ID to continue after.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    list: List,
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Registered,
    HeldOnly,
}

impl Place {
    /// Parses a cursor: `r` or `h`, then the ID.
    fn read(cursor: Option<&str>) -> Option<Self> {
        let Some(cursor) = cursor else {
            return Some(Self {
                list: List::Registered,
                after: None,
            });
        };
        let list = match cursor.get(..1)? {
            "r" => List::Registered,
            "h" => List::HeldOnly,
            _ => return None,
        };
        let after = cursor.get(1..).filter(|id| !id.is_empty());
        Some(Self {
            list,
            after: after.map(str::to_owned),
        })
    }

    fn write(&self, id: &str) -> String {
        match self.list {
            List::Registered => format!("r{id}"),
            List::HeldOnly => format!("h{id}"),
        }
    }
}

impl AuthZen {
    /// Returns resources of a type, ordered by ID within each list.
    ///
    /// # Errors
    /// The request is malformed, no policies are in force, or a store is unavailable.
    pub async fn search_resources(
        &self,
        request: &Map<String, Value>,
    ) -> Result<Found, AuthZenError> {
        self.require_policies()?;
        let subject = read_named(request, "subject", IdOf::One)?;
        let action = read_action(request)?;
        let resource = read_named(request, "resource", IdOf::Any)?;
        let context = read_context(request)?;
        let wish = Wish::read(request)?;
        let (Ok(kind), true) = (ResourceType::parse(&resource.kind), is_action(&action.name))
        else {
            return Ok(Found::nothing());
        };
        let Some(place) = Place::read(wish.after.as_deref()) else {
            return Err(AuthZenError::Malformed(
                "page.token belongs to another search".into(),
            ));
        };
        let Ok(nothing_yet) = ResourceId::parse("-") else {
            return Ok(Found::nothing());
        };
        let facts = Facts {
            subject: self.find_subject(&subject, &context, None).await?,
            action: action.name,
            resource: ResourceName {
                kind,
                id: nothing_yet,
            },
            grants: Vec::new(),
            attributes: Map::new(),
            claimed: Claimed {
                subject: subject.properties,
                resource: resource.properties,
                action: action.properties,
                context,
            },
            now: self.access.clock.now(),
        };
        Ok(self.try_everything(facts, &wish, place).await?)
    }

    async fn try_everything(
        &self,
        mut facts: Facts,
        wish: &Wish,
        mut place: Place,
    ) -> Result<Found, Unavailable> {
        let holder = match &facts.subject {
            Subject::Person { standing, .. } => Some(standing.user_id),
            Subject::Client(_) | Subject::Outsider { .. } => None,
        };
        let mut filling = Filling::new(wish);
        loop {
            let batch = self
                .read_things(&facts.resource.kind, holder, facts.now, &place)
                .await?;
            let is_last = batch.len() < BATCH;
            for candidate in batch {
                if !filling.has_room() {
                    return Ok(filling.broken_off());
                }
                place.after = Some(candidate.id.clone());
                let cursor = place.write(&candidate.id);
                let result = self.try_thing(&mut facts, candidate).await;
                filling.note(cursor, result);
            }
            match (is_last, place.list, holder) {
                (false, ..) => {}
                (true, List::Registered, Some(_)) => {
                    place = Place {
                        list: List::HeldOnly,
                        after: None,
                    };
                }
                (true, ..) => return Ok(filling.complete()),
            }
        }
    }

    async fn try_thing(&self, facts: &mut Facts, candidate: Candidate) -> Option<Value> {
        facts.resource.id = ResourceId::parse(&candidate.id).ok()?;
        facts.grants = candidate.held.at(facts.now).to_vec();
        facts.attributes = candidate.attributes;
        let result = json!({ "type": facts.resource.kind, "id": facts.resource.id });
        self.is_permitted(facts).await.then_some(result)
    }

    async fn read_things(
        &self,
        kind: &ResourceType,
        holder: Option<UserId>,
        now: Timestamp,
        place: &Place,
    ) -> Result<Vec<Candidate>, Unavailable> {
        let (kind, place) = (kind.clone(), place.clone());
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let read = self.access.database.read(move |conn| {
            let after = place.after.as_deref();
            match (place.list, holder) {
                (List::Registered, holder) => {
                    queries::list_registered(conn, &kind, holder, after, limit)
                }
                (List::HeldOnly, Some(holder)) => {
                    queries::list_held_only(conn, &kind, holder, now, after, limit)
                }
                (List::HeldOnly, None) => Ok(Vec::new()),
            }
        });
        Ok(read.await?)
    }
}
