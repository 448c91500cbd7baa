//! Memoises the parsing of cached client records. An entry is used only for exactly the text that it was parsed from, so it never
//! decides whether a record is fresh: that is checked on every use, for the text that the ephemeral store returned.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::record::ClientRecord;
use crate::base::ids::ClientId;

/// Maximum number of entries. When it is reached, the whole cache is cleared and fills again.
const MAX_ENTRIES: usize = 1000;

type CachedRecord = Arc<(String, ClientRecord)>;

/// The last parsed record of each client. Cheap to clone; clones share the entries.
#[derive(Clone, Debug, Default)]
pub(super) struct ParsedRecordCache(Arc<RwLock<HashMap<ClientId, CachedRecord>>>);

impl ParsedRecordCache {
    /// Returns the parsed record if exactly this text was parsed before.
    pub(super) fn get(&self, id: ClientId, copy: &str) -> Option<ClientRecord> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&id)?.clone();
        (known.0 == copy).then(|| known.1.clone())
    }

    /// Stores the parsed form of a text.
    pub(super) fn insert(&self, copy: &str, record: &ClientRecord) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        let entry = Arc::new((copy.to_owned(), record.clone()));
        known.insert(record.client.id, entry);
    }
}
