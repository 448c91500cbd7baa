//! The search for actions, and what all searches share.

use serde_json::{Map, Value, json};

use super::page::{PageBuilder, PageRequest, SearchPage};
use super::request::{EvaluationRequest, Searched};
use super::{AuthZen, AuthZenError};
use crate::account_state::Unavailable;
use crate::policies::{DecisionInput, PrefetchedFacts, StepUpSearch};

impl AuthZen {
    /// Searches the subjects, resources or actions that are permitted with the rest of the request.
    pub async fn search(
        &self,
        request: &Map<String, Value>,
        searched: Searched,
    ) -> Result<SearchPage, AuthZenError> {
        self.require_policies()?;
        let asked = EvaluationRequest::read_search(request, searched)?;
        let page_request = PageRequest::read(request)?;
        match searched {
            Searched::Subjects => self.search_subjects(asked, &page_request).await,
            Searched::Resources => self.search_resources(asked, &page_request).await,
            Searched::Actions => Ok(self.search_actions(asked, &page_request).await?),
        }
    }

    /// Searches among all actions that the policies and the schema name.
    async fn search_actions(
        &self,
        asked: EvaluationRequest,
        page_request: &PageRequest,
    ) -> Result<SearchPage, Unavailable> {
        let Ok(resource) = asked.resource_name() else {
            return Ok(SearchPage::empty());
        };
        let subject = self.find_subject(&asked.subject, &asked.context, None);
        let question = self.question(&asked, subject.await?, resource);
        let input = self.engine.add_facts(question, PrefetchedFacts::default());
        let mut input = input.await?;
        let mut builder = PageBuilder::new(page_request);
        let after = page_request.after.as_deref();
        for action in self.engine.policies.actions() {
            if after.is_some_and(|after| action.as_str() <= after) {
                continue;
            }
            if !builder.needs_more() {
                return Ok(builder.into_page_with_next());
            }
            input.action.clone_from(&action);
            let result = self
                .is_permitted(&input)
                .await
                .then(|| json!({ "name": action }));
            builder.note(action, result);
        }
        Ok(builder.into_last_page())
    }

    /// Evaluates one candidate of a search. Yields first, so that other requests can run between two candidates.
    pub(super) async fn is_permitted(&self, input: &DecisionInput) -> bool {
        tokio::task::yield_now().await;
        self.engine
            .policies
            .decide(input, StepUpSearch::Skip)
            .is_allowed
    }
}
