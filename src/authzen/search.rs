//! The search for actions, and what all searches share.

use serde_json::{Map, Value, json};

use super::page::{PageBuilder, PageRequest, SearchPage};
use super::request::{IdRule, read_context, read_entity};
use super::{AuthZen, AuthZenError};
use crate::assignments::ResourceName;
use crate::policies::{AccessRequest, Claimed, DecisionInput, PrefetchedFacts, StepUpSearch};

impl AuthZen {
    /// Searches the actions that a subject may perform on a resource, among all those that the policies and the schema name.
    ///
    /// # Errors
    /// The request is malformed, no policies are in force, or a store is unavailable.
    pub async fn search_actions(
        &self,
        request: &Map<String, Value>,
    ) -> Result<SearchPage, AuthZenError> {
        self.require_policies()?;
        let subject = read_entity(request, "subject", IdRule::Required)?;
        let resource = read_entity(request, "resource", IdRule::Required)?;
        let context = read_context(request)?;
        let page_request = PageRequest::read(request)?;
        let Ok(name) = ResourceName::parse(&resource.kind, &resource.id) else {
            return Ok(SearchPage::empty());
        };
        let request = AccessRequest {
            subject: self.find_subject(&subject, &context, None).await?,
            action: String::new(),
            resource: name,
            prefetched: PrefetchedFacts::default(),
            claimed: Claimed {
                subject: subject.properties,
                resource: resource.properties,
                action: Map::new(),
                context,
            },
        };
        let mut input = self.engine.gather(request).await?;
        let mut builder = PageBuilder::new(&page_request);
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
