//! A cache of tokens whose signature was verified. That a key signed these bytes never changes, so the signature is verified only
//! once per token; everything that can change (the key's state, expiry, client, user) is checked for each request.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

/// Entries per generation. At most twice as many are cached, in about a megabyte.
const MAX_GENERATION_LEN: usize = 8192;

/// SHA-256 of a whole token, header and signature included.
pub(super) type Fingerprint = [u8; 32];

/// A bounded set of fingerprints. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct VerifiedSignatureCache(Arc<Mutex<Generations>>);

/// When the young generation is full it replaces the old one, which is dropped.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Fingerprint>,
    old: HashSet<Fingerprint>,
}

/// Returns the fingerprint of a token.
pub(super) fn fingerprint(token: &str) -> Fingerprint {
    let mut print = Fingerprint::default();
    for (to, from) in print
        .iter_mut()
        .zip(digest(&SHA256, token.as_bytes()).as_ref())
    {
        *to = *from;
    }
    print
}

impl VerifiedSignatureCache {
    /// Returns whether the signature of this token was verified before. Moves an old entry to the young generation.
    pub(super) fn contains(&self, print: &Fingerprint) -> bool {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.contains(print) {
            return true;
        }
        let is_old = generations.old.contains(print);
        if is_old {
            generations.add(*print);
        }
        is_old
    }

    /// Adds a token whose signature was just verified.
    pub(super) fn insert(&self, print: Fingerprint) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.add(print);
    }
}

impl Generations {
    fn add(&mut self, print: Fingerprint) {
        if self.young.len() >= MAX_GENERATION_LEN {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(print);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_entries_are_kept_and_the_rest_are_evicted() {
        let verified_signatures = VerifiedSignatureCache::default();
        let asked = fingerprint("asked for again and again");
        verified_signatures.insert(asked);
        for number in 0..3 * MAX_GENERATION_LEN {
            verified_signatures.insert(fingerprint(&number.to_string()));
            assert!(verified_signatures.contains(&asked));
        }
        assert!(!verified_signatures.contains(&fingerprint("0")));
        assert!(!verified_signatures.contains(&fingerprint("never seen")));
        let generations = verified_signatures.0.lock().expect("a memory");
        assert!(generations.young.len() + generations.old.len() <= 2 * MAX_GENERATION_LEN);
    }
}
