//! The roles that a user currently holds on one resource.
//!
//! A cached copy carries the version of the user's account state, which every change of the user's assignments increments: a copy
//! is valid only while its version equals the current one. The absence of roles is cached as well.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::resource_name::ResourceName;
use super::{Assignments, queries};
use crate::account_state::{AccountState, MAX_FILL_TIME, Unavailable};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::UserId;

/// Lifetime of a copy; the same as that of the account state's copy.
const TTL: Duration = Duration::from_secs(60);

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
        if let Some(held) = copy.and_then(|copy| parse_if_fresh(account_state, copy)) {
            return Ok(held);
        }
        let watch = Stopwatch::start();
        let (user, name) = (account_state.user_id, resource.clone());
        let found = self
            .database
            .read(move |conn| queries::find_held_roles(conn, user, &name));
        let Some((version, held)) = found.await? else {
            return Ok(HeldRoles::default());
        };
        if watch.elapsed() < MAX_FILL_TIME
            && let Ok(text) = serde_json::to_string(&held)
        {
            let key = Self::held_roles_key(user, resource);
            self.ephemeral.fill(&key, version, &text, TTL).await;
        }
        Ok(held)
    }
}

/// Parses a copy if its version equals that of the account state.
fn parse_if_fresh(account_state: &AccountState, copy: &str) -> Option<HeldRoles> {
    let (version, held) = copy.split_once(':')?;
    if version.parse() != Ok(account_state.version) {
        return None;
    }
    serde_json::from_str(held).ok()
}
