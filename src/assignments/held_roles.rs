//! The roles that a user currently holds on one resource.
//!
//! A cached copy carries the version of the user's account state, which every change of the user's assignments increments: a copy
//! is valid only while its version equals the current one. The absence of roles is cached as well.

use serde::{Deserialize, Serialize};

use super::resource_name::ResourceName;
use super::{Assignments, queries};
use crate::account_state::{AccountState, Unavailable};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;

/// The roles of one user on one resource, as stored in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRoles {
    roles: Vec<String>,
    valid_until: Option<Timestamp>,
}

impl HeldRoles {
    pub(super) fn new(roles: Vec<String>, valid_until: Option<Timestamp>) -> Self {
        Self { roles, valid_until }
    }

    /// Returns the roles that have not expired at an instant.
    pub fn at(&self, now: Timestamp) -> &[String] {
        match self.valid_until {
            Some(until) if until <= now => &[],
            _ => &self.roles,
        }
    }
}

impl Assignments {
    /// Cache key of the roles. Its hash slot is that of the user's account state, so that both can be read in one round trip.
    pub fn held_roles_key(user: UserId, resource: &ResourceName) -> String {
        format!("held-roles:{{{user}}}:{}", resource.key())
    }

    /// Returns the roles that a user holds on a resource, from the cache or the database.
    pub async fn held_roles(
        &self,
        account_state: &AccountState,
        resource: &ResourceName,
    ) -> Result<HeldRoles, Unavailable> {
        let key = Self::held_roles_key(account_state.user_id, resource);
        let copy = self.ephemeral.get_one(&key).await?;
        self.held_roles_from_copy(account_state, resource, copy.as_deref())
            .await
    }

    /// Same as [`Assignments::held_roles`], for a caller that has already read the cached copy.
    pub async fn held_roles_from_copy(
        &self,
        account_state: &AccountState,
        resource: &ResourceName,
        copy: Option<&str>,
    ) -> Result<HeldRoles, Unavailable> {
        let (user, name) = (account_state.user_id, resource.clone());
        let key = Self::held_roles_key(user, resource);
        let held = self
            .account_states
            .find_by_copy(account_state, (&key, copy), move |conn| {
                queries::find_held_roles(conn, user, &name)
            });
        Ok(held.await?.unwrap_or_default())
    }
}
