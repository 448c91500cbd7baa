//! Prefetches the cached copies that one evaluation needs in one round trip, while the client is being authenticated.

use serde_json::{Map, Value};

use super::AuthZen;
use super::request::{EvaluationRequest, USER};
use crate::account_state::{AccountState, AccountStates};
use crate::assignments::{Assignments, ResourceName, attributes_of};
use crate::base::ids::UserId;
use crate::ephemeral::StoreUnavailable;

/// Cached copies, each present or not.
#[derive(Debug, Default)]
pub struct PrefetchedCopies {
    /// Copies of the user, if the subject is named by user ID.
    pub(super) person: Option<CachedUser>,
    /// Attributes of the resource, if its copy is current.
    pub(super) attributes: Option<Map<String, Value>>,
}

#[derive(Debug)]
pub(super) struct CachedUser {
    user: UserId,
    account_state: Option<String>,
    resource_roles: Option<String>,
}

impl CachedUser {
    pub(super) fn record(&self) -> Option<&str> {
        self.account_state
            .as_deref()
            .and_then(AccountStates::cached_record)
    }

    /// Returns the copy of the user's roles. The subject may have resolved to another user, whose username looks like the ID;
    /// then the copy isn't used.
    pub(super) fn roles_of(&self, person: &AccountState) -> Option<&str> {
        self.resource_roles
            .as_deref()
            .filter(|_| self.user == person.user_id)
    }
}

impl AuthZen {
    /// Reads only copies, never the database, because the client isn't authenticated yet.
    pub async fn prefetch(
        &self,
        evaluation: &EvaluationRequest,
    ) -> Result<PrefetchedCopies, StoreUnavailable> {
        let Ok(resource) = evaluation.resource_name() else {
            return Ok(PrefetchedCopies::default());
        };
        let (person, cached) = tokio::join!(
            self.prefetch_user(evaluation, &resource),
            self.engine.assignments.cached_resource(&resource)
        );
        Ok(PrefetchedCopies {
            person: person?,
            attributes: cached?.map(attributes_of),
        })
    }

    async fn prefetch_user(
        &self,
        evaluation: &EvaluationRequest,
        resource: &ResourceName,
    ) -> Result<Option<CachedUser>, StoreUnavailable> {
        if evaluation.subject.kind != USER {
            return Ok(None);
        }
        let Some(user) = UserId::parse(&evaluation.subject.id) else {
            return Ok(None);
        };
        let keys = [
            AccountStates::key(user),
            Assignments::held_roles_key(user, resource),
        ];
        let copies = self.ephemeral.get(&[&keys[0], &keys[1]]).await?;
        let mut copies = copies.into_iter();
        Ok(Some(CachedUser {
            user,
            account_state: copies.next().flatten(),
            resource_roles: copies.next().flatten(),
        }))
    }
}
