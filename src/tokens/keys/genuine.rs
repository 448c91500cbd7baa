//! Tokens whose signature was found good. That a key signed these very bytes never changes, so it need not be verified at every
//! question; everything that can change (the key's state, the token's end, its client, its person) is asked each time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

/// At most twice as many are remembered, in about a megabyte.
const GENERATION: usize = 8192;

/// SHA-256 of a whole token, header and signature included.
pub(super) type Fingerprint = [u8; 32];

/// A bounded memory of fingerprints. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Genuine(Arc<Mutex<Generations>>);

/// When the young are too many they become the old, and the old are forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Fingerprint>,
    old: HashSet<Fingerprint>,
}

/// The fingerprint of a token.
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

impl Genuine {
    /// Whether the signature of this token was found good.
    pub(super) fn knows(&self, print: &Fingerprint) -> bool {
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

    /// Remembers one whose signature was just found good.
    pub(super) fn remember(&self, print: Fingerprint) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.add(print);
    }
}

impl Generations {
    fn add(&mut self, print: Fingerprint) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(print);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_kept_and_the_rest_is_forgotten() {
        let genuine = Genuine::default();
        let asked = fingerprint("asked for again and again");
        genuine.remember(asked);
        for number in 0..3 * GENERATION {
            genuine.remember(fingerprint(&number.to_string()));
            assert!(genuine.knows(&asked));
        }
        assert!(!genuine.knows(&fingerprint("0")));
        assert!(!genuine.knows(&fingerprint("never seen")));
        let generations = genuine.0.lock().expect("a memory");
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
