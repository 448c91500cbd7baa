//! Copies that were parsed already. The same text is the same record, so it decides nothing: whether a copy is to be believed is
//! asked each time, with the text that the store gave.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::record::ClientRecord;
use crate::base::ids::ClientId;

/// So many clients are remembered; then all are forgotten, and those that ask come back.
const MOST: usize = 1000;

/// A copy, and what it says.
type Said = Arc<(String, ClientRecord)>;

/// The last copy of each client, and what it says. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed(Arc<RwLock<HashMap<ClientId, Said>>>);

impl Parsed {
    /// What this very text says, if it was parsed before.
    pub(super) fn find(&self, id: ClientId, copy: &str) -> Option<ClientRecord> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&id)?.clone();
        (known.0 == copy).then(|| known.1.clone())
    }

    /// Remembers what a text says.
    pub(super) fn keep(&self, copy: &str, record: &ClientRecord) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        let entry = Arc::new((copy.to_owned(), record.clone()));
        known.insert(record.client.id, entry);
    }
}
