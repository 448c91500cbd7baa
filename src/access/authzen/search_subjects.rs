//! Searches the users who may perform an action on a resource.

use serde_json::{Map, Value, json};

use super::page::{Filling, Found, Wish};
use super::request::{IdOf, USER, read_action, read_context, read_named};
use super::{AuthZen, AuthZenError};
use crate::access::policies::Facts;
use crate::access::{AtHand, Claimed, Held, Question, ResourceName, Subject, is_action, queries};
use crate::base::config::SubjectId;
use crate::base::ids::UserId;
use crate::standing::{self, Standing, Unavailable, UserStatus};
use crate::users;

const BATCH: usize = 200;

impl AuthZen {
    /// Returns users ordered by ID. Subjects of other types aren't stored, so that a search for them finds nothing.
    ///
    /// # Errors
    /// The request is malformed, no policies are in force, or a store is unavailable.
    pub async fn search_subjects(
        &self,
        request: &Map<String, Value>,
    ) -> Result<Found, AuthZenError> {
        self.require_policies()?;
        let subject = read_named(request, "subject", IdOf::Any)?;
        let action = read_action(request)?;
        let resource = read_named(request, "resource", IdOf::One)?;
        let context = read_context(request)?;
        let wish = Wish::read(request)?;
        let name = ResourceName::parse(&resource.kind, &resource.id);
        let (Ok(name), USER, true) = (name, subject.kind.as_str(), is_action(&action.name)) else {
            return Ok(Found::nothing());
        };
        let question = Question {
            // Placeholder that is replaced by each candidate.
            subject: Subject::Outsider {
                kind: subject.kind,
                id: String::new(),
            },
            action: action.name,
            resource: name,
            at_hand: AtHand::default(),
            claimed: Claimed {
                subject: subject.properties,
                resource: resource.properties,
                action: action.properties,
                context,
            },
        };
        let facts = self.access.gather(question).await?;
        self.try_everybody(facts, &wish).await
    }

    async fn try_everybody(&self, mut facts: Facts, wish: &Wish) -> Result<Found, AuthZenError> {
        let mut after = match wish.after.as_deref().map(UserId::parse) {
            Some(None) => {
                return Err(AuthZenError::Malformed(
                    "page.token belongs to another search".into(),
                ));
            }
            Some(after) => after,
            None => None,
        };
        let mut filling = Filling::new(wish);
        loop {
            let batch = self.read_people(after, facts.resource.clone()).await?;
            let is_last = batch.len() < BATCH;
            for (id, candidate) in batch {
                if !filling.has_room() {
                    return Ok(filling.broken_off());
                }
                after = Some(id);
                let result = match candidate {
                    Some((standing, held)) => self.try_one(&mut facts, standing, &held).await,
                    None => None,
                };
                filling.note(id.to_string(), result);
            }
            if is_last {
                return Ok(filling.complete());
            }
        }
    }

    async fn try_one(&self, facts: &mut Facts, standing: Standing, held: &Held) -> Option<Value> {
        let id = match self.subject_id {
            SubjectId::Id => standing.user_id.to_string(),
            SubjectId::Username => standing.username.clone(),
        };
        facts.grants = held.at(facts.now).to_vec();
        facts.subject = Subject::Person {
            standing: Box::new(standing),
            auth: None,
        };
        let result = json!({ "type": USER, "id": id });
        self.is_permitted(facts).await.then_some(result)
    }

    /// Reads the next users, ordered by ID, each with the account state and the roles on the resource, in three statements.
    /// `None` stands for a user whose account isn't active.
    async fn read_people(
        &self,
        after: Option<UserId>,
        resource: ResourceName,
    ) -> Result<Vec<(UserId, Option<(Standing, Held)>)>, Unavailable> {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let read = self.access.database.read(move |conn| {
            let ids = users::list_ids(conn, after, limit)?;
            let mut standings = standing::find_records(conn, &ids)?;
            let mut held = queries::list_held_by(conn, &ids, &resource)?;
            let people = ids.into_iter().map(|id| {
                let standing = standings.remove(&id);
                let active = standing.filter(|standing| standing.status == UserStatus::Active);
                let held = held.remove(&id).unwrap_or_default();
                (id, active.map(|standing| (standing, held)))
            });
            Ok::<_, crate::db::Error>(people.collect())
        });
        Ok(read.await?)
    }
}
