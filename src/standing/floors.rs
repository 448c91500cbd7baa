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
pub struct Floors<K>(RwLock<HashMap<K, Floor>>);

#[derive(Debug)]
struct Floor {
    version: i64,
    seen: Stopwatch,
}

impl<K> Default for Floors<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Copy + Eq + Hash> Floors<K> {
    /// Raises minimum versions; never lowers one.
    pub fn raise(&self, moved: &[(K, i64)]) {
        if moved.is_empty() {
            return;
        }
        let mut floors = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, version) in moved {
            let floor = floors.entry(*key).or_insert_with(|| Floor {
                version: *version,
                seen: Stopwatch::start(),
            });
            // Reading the same version again because polls overlap doesn't extend how long it is stored.
            if floor.version < *version {
                *floor = Floor {
                    version: *version,
                    seen: Stopwatch::start(),
                };
            }
        }
    }

    /// Returns whether a cached record of this version is accepted.
    pub fn admits(&self, key: K, version: i64) -> bool {
        let floors = self.0.read().unwrap_or_else(PoisonError::into_inner);
        floors
            .get(&key)
            .is_none_or(|floor| version >= floor.version)
    }

    /// Deletes minimum versions older than `age`: by then no older cached record is left in the store.
    pub fn forget_older_than(&self, age: Duration) {
        let mut floors = self.0.write().unwrap_or_else(PoisonError::into_inner);
        floors.retain(|_, floor| floor.seen.elapsed() < age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::UserId;

    #[test]
    fn a_floor_refuses_older_copies_and_never_falls() {
        let floors = Floors::default();
        let user = UserId::random();
        assert!(floors.admits(user, 1));
        floors.raise(&[(user, 5)]);
        floors.raise(&[(user, 3)]);
        assert!(!floors.admits(user, 4));
        assert!(floors.admits(user, 5));
        assert!(floors.admits(UserId::random(), 1));
        floors.forget_older_than(Duration::ZERO);
        assert!(floors.admits(user, 1));
    }
}
