//! Searches the users who may perform an action on a resource.

use serde_json::{Value, json};

use super::page::{PageBuilder, PageRequest, SearchPage, other_search};
use super::request::{EvaluationRequest, USER};
use super::{AuthZen, AuthZenError};
use crate::account_state::{self, AccountState, Unavailable, UserStatus};
use crate::assignments::{self, HeldRoles, ResourceName};
use crate::base::config::SubjectId;
use crate::base::ids::UserId;
use crate::policies::{DecisionInput, PrefetchedFacts, Subject, is_action};
use crate::users;

const BATCH: usize = 200;

impl AuthZen {
    /// Returns users ordered by ID. Subjects of other types aren't stored, so that a search for them finds nothing.
    pub(super) async fn search_subjects(
        &self,
        asked: EvaluationRequest,
        page_request: &PageRequest,
    ) -> Result<SearchPage, AuthZenError> {
        let (Ok(resource), USER, true) = (
            asked.resource_name(),
            asked.subject.kind.as_str(),
            is_action(&asked.action.name),
        ) else {
            return Ok(SearchPage::empty());
        };
        // Replaced by each candidate.
        let placeholder = Subject::ExternalSubject {
            kind: USER.to_owned(),
            id: String::new(),
        };
        let question = self.question(&asked, placeholder, resource);
        let input = self.engine.add_facts(question, PrefetchedFacts::default());
        let input = input.await?;
        self.evaluate_users(input, page_request).await
    }

    async fn evaluate_users(
        &self,
        mut input: DecisionInput,
        page_request: &PageRequest,
    ) -> Result<SearchPage, AuthZenError> {
        let mut after = match page_request.after.as_deref().map(UserId::parse) {
            Some(None) => return Err(other_search()),
            Some(after) => after,
            None => None,
        };
        let mut builder = PageBuilder::new(page_request);
        loop {
            let batch = self.read_people(after, input.resource.clone()).await?;
            let is_last = batch.len() < BATCH;
            for (id, candidate) in batch {
                if !builder.needs_more() {
                    return Ok(builder.into_page_with_next());
                }
                after = Some(id);
                let result = match candidate {
                    Some((account_state, held)) => {
                        self.evaluate_user(&mut input, account_state, &held).await
                    }
                    None => None,
                };
                builder.note(id.to_string(), result);
            }
            if is_last {
                return Ok(builder.into_last_page());
            }
        }
    }

    async fn evaluate_user(
        &self,
        input: &mut DecisionInput,
        account_state: AccountState,
        held: &HeldRoles,
    ) -> Option<Value> {
        let id = match self.subject_id {
            SubjectId::Id => account_state.user_id.to_string(),
            SubjectId::Username => account_state.username.clone(),
        };
        input.resource_roles = held.at(input.now).to_vec();
        input.subject = Subject::Person {
            account_state: Box::new(account_state),
            auth: None,
        };
        let result = json!({ "type": USER, "id": id });
        self.is_permitted(input).await.then_some(result)
    }

    /// Reads the next users, ordered by ID, each with the account state and the roles on the resource, in three statements.
    /// `None` stands for a user whose account isn't active.
    async fn read_people(
        &self,
        after: Option<UserId>,
        resource: ResourceName,
    ) -> Result<Vec<(UserId, Option<(AccountState, HeldRoles)>)>, Unavailable> {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let read = self.database.read(move |conn| {
            let ids = users::list_ids(conn, after, limit)?;
            let mut account_states = account_state::find_records(conn, &ids)?;
            let mut held = assignments::list_held_by(conn, &ids, &resource)?;
            let people = ids.into_iter().map(|id| {
                let account_state = account_states.remove(&id);
                let active = account_state
                    .filter(|account_state| account_state.status == UserStatus::Active);
                let held = held.remove(&id).unwrap_or_default();
                (id, active.map(|account_state| (account_state, held)))
            });
            Ok::<_, crate::db::Error>(people.collect())
        });
        Ok(read.await?)
    }
}
