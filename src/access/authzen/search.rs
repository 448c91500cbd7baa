//! The search for actions, and what all searches share.

use serde_json::{Map, Value, json};

use super::page::{Filling, Found, Wish};
use super::request::{IdOf, read_context, read_named};
use super::{AuthZen, AuthZenError};
use crate::access::policies::{Challenge, Facts};
use crate::access::{AtHand, Claimed, Question, ResourceName};

impl AuthZen {
    /// Searches the actions that a subject may perform on a resource, among all those that the policies and the schema name.
    ///
    /// # Errors
    /// The request is malformed, no policies are in force, or a store is unavailable.
    pub async fn search_actions(
        &self,
        request: &Map<String, Value>,
    ) -> Result<Found, AuthZenError> {
        self.require_policies()?;
        let subject = read_named(request, "subject", IdOf::One)?;
        let resource = read_named(request, "resource", IdOf::One)?;
        let context = read_context(request)?;
        let wish = Wish::read(request)?;
        let Ok(name) = ResourceName::parse(&resource.kind, &resource.id) else {
            return Ok(Found::nothing());
        };
        let question = Question {
            subject: self.find_subject(&subject, &context, None).await?,
            action: String::new(),
            resource: name,
            at_hand: AtHand::default(),
            claimed: Claimed {
                subject: subject.properties,
                resource: resource.properties,
                action: Map::new(),
                context,
            },
        };
        let mut facts = self.access.gather(question).await?;
        let mut filling = Filling::new(&wish);
        let after = wish.after.as_deref();
        for action in self.access.policies.actions() {
            if after.is_some_and(|after| action.as_str() <= after) {
                continue;
            }
            if !filling.has_room() {
                return Ok(filling.broken_off());
            }
            facts.action.clone_from(&action);
            let result = self
                .is_permitted(&facts)
                .await
                .then(|| json!({ "name": action }));
            filling.note(action, result);
        }
        Ok(filling.complete())
    }

    /// Evaluates one candidate of a search. Yields first, so that other requests can run between two candidates.
    pub(super) async fn is_permitted(&self, facts: &Facts) -> bool {
        tokio::task::yield_now().await;
        self.access
            .policies
            .decide(facts, Challenge::Skip)
            .is_allowed
    }
}
