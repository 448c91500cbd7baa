//! Searches the resources on which a subject may perform an action: first registered resources, then unregistered ones on which
//! the user holds roles.

use serde_json::{Map, Value, json};

use super::page::{PageBuilder, PageRequest, SearchPage, other_search};
use super::request::EvaluationRequest;
use super::{AuthZen, AuthZenError};
use crate::account_state::Unavailable;
use crate::assignments::{self, Candidate, ResourceId, ResourceName, ResourceType};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::policies::{DecisionInput, Subject, is_action};

const BATCH: usize = 200;

/// Position of a search: one of the two lists, and the ID to continue after.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    list: List,
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Registered,
    HeldOnly,
}

impl Cursor {
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
    pub(super) async fn search_resources(
        &self,
        asked: EvaluationRequest,
        page_request: &PageRequest,
    ) -> Result<SearchPage, AuthZenError> {
        let kind = ResourceType::parse(&asked.resource.kind);
        let (Ok(kind), true) = (kind, is_action(&asked.action.name)) else {
            return Ok(SearchPage::empty());
        };
        let Some(cursor_position) = Cursor::read(page_request.after.as_deref()) else {
            return Err(other_search());
        };
        let Ok(placeholder_id) = ResourceId::parse("-") else {
            return Ok(SearchPage::empty());
        };
        let placeholder = ResourceName {
            kind,
            id: placeholder_id,
        };
        let subject = self.find_subject(&asked.subject, &asked.context, None);
        let question = self.question(&asked, subject.await?, placeholder);
        // Replaced by those of each candidate.
        let input = question.with_facts(Vec::new(), Map::new());
        Ok(self
            .evaluate_resources(input, page_request, cursor_position)
            .await?)
    }

    async fn evaluate_resources(
        &self,
        mut input: DecisionInput,
        page_request: &PageRequest,
        mut cursor_position: Cursor,
    ) -> Result<SearchPage, Unavailable> {
        let holder = match &input.subject {
            Subject::Person { account_state, .. } => Some(account_state.user_id),
            Subject::Client(_) | Subject::ExternalSubject { .. } => None,
        };
        let mut builder = PageBuilder::new(page_request);
        loop {
            let batch = self
                .read_candidates(&input.resource.kind, holder, input.now, &cursor_position)
                .await?;
            let is_last = batch.len() < BATCH;
            for candidate in batch {
                if !builder.needs_more() {
                    return Ok(builder.into_page_with_next());
                }
                cursor_position.after = Some(candidate.id.clone());
                let cursor = cursor_position.write(&candidate.id);
                let result = self.evaluate_resource(&mut input, candidate).await;
                builder.note(cursor, result);
            }
            match (is_last, cursor_position.list, holder) {
                (false, ..) => {}
                (true, List::Registered, Some(_)) => {
                    cursor_position = Cursor {
                        list: List::HeldOnly,
                        after: None,
                    };
                }
                (true, ..) => return Ok(builder.into_last_page()),
            }
        }
    }

    async fn evaluate_resource(
        &self,
        input: &mut DecisionInput,
        candidate: Candidate,
    ) -> Option<Value> {
        input.resource.id = ResourceId::parse(&candidate.id).ok()?;
        input.resource_roles = candidate.held.at(input.now).to_vec();
        input.attributes = candidate.attributes;
        let result = json!({ "type": input.resource.kind, "id": input.resource.id });
        self.is_permitted(input).await.then_some(result)
    }

    async fn read_candidates(
        &self,
        kind: &ResourceType,
        holder: Option<UserId>,
        now: Timestamp,
        cursor_position: &Cursor,
    ) -> Result<Vec<Candidate>, Unavailable> {
        let (kind, cursor_position) = (kind.clone(), cursor_position.clone());
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let read = self.database.read(move |conn| {
            let after = cursor_position.after.as_deref();
            match (cursor_position.list, holder) {
                (List::Registered, holder) => {
                    assignments::list_registered(conn, &kind, holder, after, limit)
                }
                (List::HeldOnly, Some(holder)) => {
                    assignments::list_held_only(conn, &kind, holder, now, after, limit)
                }
                (List::HeldOnly, None) => Ok(Vec::new()),
            }
        });
        Ok(read.await?)
    }
}
