//! Which roles somebody holds on one thing, as of now.
//!
//! The answer is copied under the version of the person's standing, which every change of their grants raises: a copy is
//! true exactly while that is still their version. That nobody holds anything is copied as well.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::resource::ResourceName;
use super::{Access, queries};
use crate::base::clock::{Stopwatch, Timestamp};
use crate::base::ids::UserId;
use crate::standing::{SLOWEST_FILL, Standing, Unavailable};

/// As long as a standing's copy.
const LIFE: Duration = Duration::from_secs(60);

/// The roles of one person on one thing, as the database holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    roles: Vec<String>,
    valid_until: Option<Timestamp>,
}

impl Held {
    pub(super) fn new(roles: Vec<String>, valid_until: Option<Timestamp>) -> Self {
        Self { roles, valid_until }
    }

    /// Those that count at an instant.
    pub fn at(&self, now: Timestamp) -> &[String] {
        match self.valid_until {
            Some(until) if until <= now => &[],
            _ => &self.roles,
        }
    }
}

impl Access {
    /// Where the copy is kept: in one slot with the person's standing, so that both can be read in one round trip.
    pub fn grants_key(user: UserId, resource: &ResourceName) -> String {
        format!("grants:{{{user}}}:{}", resource.key())
    }

    /// What a person holds on a thing.
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

    /// As [`Access::held`], for a caller who read the copy together with something else.
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

/// The copy, if it is of the very version of the standing that is believed.
fn believe(standing: &Standing, copy: &str) -> Option<Held> {
    let (version, held) = copy.split_once(':')?;
    if version.parse() != Ok(standing.version) {
        return None;
    }
    serde_json::from_str(held).ok()
}
