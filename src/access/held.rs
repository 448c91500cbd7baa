//! The roles that a user currently holds on one resource.
//!
//! A cached copy carries the version of the user's account state, which every change of the user's assignments increments: a copy
//! is valid only while its version equals the current one. The absence of roles is cached as well.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::resource::ResourceName;
use super::{Access, queries};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::UserId;
use crate::standing::{SLOWEST_FILL, Standing, Unavailable};

/// Lifetime of a copy; the same as that of the account state's copy.
const LIFE: Duration = Duration::from_secs(60);

/// The roles of one user on one resource, as stored in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    roles: Vec<String>,
    valid_until: Option<Timestamp>,
}

impl Held {
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

impl Access {
    /// Cache key of the roles. Its hash slot is that of the user's account state, so that both can be read in one round trip.
    pub fn grants_key(user: UserId, resource: &ResourceName) -> String {
        format!("grants:{{{user}}}:{}", resource.key())
    }

    /// Returns the roles that a user holds on a resource, from the cache or the database.
    pub async fn held(
        &self,
        standing: &Standing,
        resource: &ResourceName,
    ) -> Result<Held, Unavailable> {
        let key = Self::grants_key(standing.user_id, resource);
        let copies = self.ephemeral.get(&[&key]).await?;
        let copy = copies.into_iter().next().flatten();
        self.held_of_copy(standing, resource, copy.as_deref()).await
    }

    /// Same as [`Access::held`], for a caller that has already read the cached copy.
    pub async fn held_of_copy(
        &self,
        standing: &Standing,
        resource: &ResourceName,
        copy: Option<&str>,
    ) -> Result<Held, Unavailable> {
        if let Some(held) = copy.and_then(|copy| believe(standing, copy)) {
            return Ok(held);
        }
        let watch = Stopwatch::start();
        let (user, wanted) = (standing.user_id, resource.clone());
        let found = self
            .database
            .read(move |conn| queries::find_held(conn, user, &wanted));
        let Some((version, held)) = found.await? else {
            return Ok(Held::default());
        };
        if watch.elapsed() < SLOWEST_FILL
            && let Ok(text) = serde_json::to_string(&held)
        {
            let key = Self::grants_key(user, resource);
            self.ephemeral.fill(&key, version, &text, LIFE).await;
        }
        Ok(held)
    }
}

/// Parses a copy if its version equals that of the account state.
fn believe(standing: &Standing, copy: &str) -> Option<Held> {
    let (version, held) = copy.split_once(':')?;
    if version.parse() != Ok(standing.version) {
        return None;
    }
    serde_json::from_str(held).ok()
}
