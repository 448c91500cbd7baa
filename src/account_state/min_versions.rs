//! The minimum version of each record that this instance accepts from the ephemeral store.
//!
//! The store may be unavailable when a change is made, or lose its last writes in a failover. So every instance polls once a second
//! for changed records, and ignores older cached ones. A minimum version can only exclude cached records.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::base::clock::Stopwatch;

/// Minimum versions by the ID of what changes: a user, a client.
#[derive(Debug)]
pub struct MinVersions<K>(RwLock<HashMap<K, MinVersion>>);

#[derive(Debug)]
struct MinVersion {
    version: i64,
    seen: Stopwatch,
}

impl<K> Default for MinVersions<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Copy + Eq + Hash> MinVersions<K> {
    /// Raises minimum versions; never lowers one.
    pub fn raise(&self, moved: &[(K, i64)]) {
        if moved.is_empty() {
            return;
        }
        let mut min_versions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, version) in moved {
            let minimum = min_versions.entry(*key).or_insert_with(|| MinVersion {
                version: *version,
                seen: Stopwatch::start(),
            });
            // Reading the same version again because polls overlap doesn't extend how long it is stored.
            if minimum.version < *version {
                *minimum = MinVersion {
                    version: *version,
                    seen: Stopwatch::start(),
                };
            }
        }
    }

    /// Returns whether a cached record of this version is accepted.
    pub fn is_fresh(&self, key: K, version: i64) -> bool {
        let min_versions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        min_versions
            .get(&key)
            .is_none_or(|minimum| version >= minimum.version)
    }

    /// Deletes minimum versions older than `age`: by then no older cached record is left in the store.
    pub fn forget_older_than(&self, age: Duration) {
        let mut min_versions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        min_versions.retain(|_, minimum| minimum.seen.elapsed() < age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::UserId;

    #[test]
    fn a_minimum_version_refuses_older_copies_and_never_decreases() {
        let min_versions = MinVersions::default();
        let user = UserId::random();
        assert!(min_versions.is_fresh(user, 1));
        min_versions.raise(&[(user, 5)]);
        min_versions.raise(&[(user, 3)]);
        assert!(!min_versions.is_fresh(user, 4));
        assert!(min_versions.is_fresh(user, 5));
        assert!(min_versions.is_fresh(UserId::random(), 1));
        min_versions.forget_older_than(Duration::ZERO);
        assert!(min_versions.is_fresh(user, 1));
    }
}
