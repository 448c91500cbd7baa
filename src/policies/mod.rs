//! Access decisions: may a subject perform an action on a resource? No other module uses Cedar.
//!
//! An [`AccessRequest`] is the question. [`DecisionEngine::decide`] completes it to a [`DecisionInput`] with the stored facts,
//! and [`Policies::decide`], which reads no store, turns that into a [`Decision`].
//!
//! A set with an error is never used, not even in part, and stored facts are always separate from what the caller claims.
//! Policies come from files: every instance reads its own and doesn't depend on another.

mod access_request;
mod decide;
mod evaluate;
mod fault;
mod input;
mod parse;
mod read;
mod reads;
mod schema;
mod scope;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::assignments::{AttributeFault, AttributeRules, ResourceName};
use crate::base::config;
use crate::base::hex::to_hex;
use parse::Parsed;
use read::{FolderSnapshot, LoadedSources};
use table::PolicyTable;

pub use access_request::{
    AccessRequest, Auth, Claimed, Decision, PrefetchedFacts, StepUpRequirement, Subject, is_action,
};
pub use decide::DecisionEngine;
pub use evaluate::StepUpSearch;
pub use fault::PolicyFault;
pub use input::DecisionInput;
pub use schema::BASE_SCHEMA;
pub use values::readable;

/// Maximum number of times that [`Policies::load`] reads a folder that changes during the read. After that, no policies are in
/// force until the folder is stable.
const MAX_READ_ATTEMPTS: usize = 10;

/// The policies of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Policies {
    folder: Option<Arc<Path>>,
    schema: Option<Arc<Path>>,
    state: Arc<RwLock<State>>,
}

/// The state of the loaded policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Hexadecimal hash of the set in force; `None` if there is none.
    pub hash: Option<String>,
    /// Number of policies in the set.
    pub count: usize,
    /// Whether the folder's current contents were rejected.
    pub is_refused: bool,
}

#[derive(Debug, Default)]
struct State {
    in_force_hash: Option<Vec<u8>>,
    in_force: Option<Arc<PolicyTable>>,
    fault: Option<PolicyFault>,
    /// The latest snapshot of the folder.
    last_snapshot: Option<Result<FolderSnapshot, PolicyFault>>,
    /// The snapshot after which the folder was last read.
    read: Option<Result<FolderSnapshot, PolicyFault>>,
    /// Hash of the contents that were read then.
    hash: Option<Vec<u8>>,
}

impl State {
    fn mark_read(&mut self, snapshot: Result<FolderSnapshot, PolicyFault>, hash: Option<Vec<u8>>) {
        self.last_snapshot = Some(snapshot.clone());
        self.read = Some(snapshot);
        self.hash = hash;
    }

    fn put_in_force(&mut self, parsed: Result<Parsed, PolicyFault>) {
        match parsed {
            Ok(parsed) => {
                for warning in &parsed.warnings {
                    tracing::warn!(%warning, "a policy may not mean what it says");
                }
                tracing::info!(policies = parsed.table.count, "policies loaded");
                self.in_force_hash.clone_from(&self.hash);
                self.in_force = Some(Arc::new(parsed.table));
                self.fault = None;
            }
            Err(fault) if self.fault.as_ref() == Some(&fault) => {}
            Err(fault) => {
                let earlier_stay = self.in_force.is_some();
                tracing::error!(%fault, earlier_stay, "policies rejected");
                self.fault = Some(fault);
            }
        }
    }
}

impl Policies {
    /// Uses the configured folder. Call [`Policies::load`] to read it.
    pub fn new(config: &config::Access) -> Self {
        let shared = |path: &Option<PathBuf>| path.as_deref().map(Arc::from);
        Self {
            folder: shared(&config.policies),
            schema: shared(&config.schema),
            state: Arc::default(),
        }
    }

    /// Reads the folder immediately, at startup. If the set has an error, no policies are in force, and the error is logged.
    pub fn load(&self) {
        if self.folder.is_none() {
            tracing::info!(
                "no policies are configured (access.policies); AuthZEN and forward-auth deny every request, sign-in and OpenID Connect work"
            );
        }
        for _ in 0..MAX_READ_ATTEMPTS {
            self.reload(self.snapshot());
            if self.read_state(|state| state.read.is_some()) {
                return;
            }
        }
    }

    /// Reads the folder again if it changed and two successive snapshots are equal, so that a set isn't read while it is being
    /// written. Blocks on file access.
    pub fn watch(&self) {
        let snapshot = self.snapshot();
        let is_due = self.change_state(|state| {
            let is_still = state.last_snapshot.replace(snapshot.clone()) == Some(snapshot.clone());
            // A read that failed is retried.
            let is_news = state.read.as_ref() != Some(&snapshot) || state.hash.is_none();
            is_still && is_news
        });
        if is_due {
            self.reload(snapshot);
        }
    }

    /// Why the folder's current contents are not in force; `None` if they are.
    pub fn fault(&self) -> Option<PolicyFault> {
        self.read_state(|state| state.fault.clone())
    }

    /// Whether any set is in force, possibly an earlier one.
    pub fn are_in_force(&self) -> bool {
        self.read_state(|state| state.in_force.is_some())
    }

    /// Number of policies in force.
    pub fn count(&self) -> usize {
        self.read_state(|state| state.in_force.as_ref().map_or(0, |table| table.count))
    }

    /// The set in force, and whether the folder's current contents were rejected. Recorded in the audit log.
    pub fn loaded(&self) -> Loaded {
        self.read_state(|state| Loaded {
            hash: state.in_force_hash.as_deref().map(to_hex),
            count: state.in_force.as_ref().map_or(0, |table| table.count),
            is_refused: state.fault.is_some(),
        })
    }

    /// Returns every action that the policies and the schema name, sorted.
    pub fn actions(&self) -> Vec<String> {
        self.table()
            .map(|table| table.actions.iter().cloned().collect())
            .unwrap_or_default()
    }

    fn table(&self) -> Option<Arc<PolicyTable>> {
        self.read_state(|state| state.in_force.clone())
    }

    fn read_state<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn snapshot(&self) -> Result<FolderSnapshot, PolicyFault> {
        read::snapshot(self.folder.as_deref(), self.schema.as_deref())
    }

    /// Reads and checks the folder, and puts the set in force if it has no error. If the folder changed during the read, the
    /// result is discarded; the next snapshot differs, so that the folder is read again.
    fn reload(&self, snapshot: Result<FolderSnapshot, PolicyFault>) {
        self.reload_with(snapshot, read::read);
    }

    /// Same as [`Policies::reload`], but reads with `reading`. A test changes the folder there.
    fn reload_with(
        &self,
        snapshot: Result<FolderSnapshot, PolicyFault>,
        reading: impl FnOnce(Option<&Path>, Option<&Path>) -> Result<LoadedSources, PolicyFault>,
    ) {
        let found = snapshot
            .as_ref()
            .map_err(PolicyFault::clone)
            .and_then(|_| reading(self.folder.as_deref(), self.schema.as_deref()));
        if self.snapshot() != snapshot {
            tracing::debug!("the policies changed while they were read; reading them again");
            return;
        }
        let hash = found.as_ref().ok().map(|(_, hash)| hash.clone());
        if hash.is_some() && self.read_state(|state| state.hash == hash) {
            return self.change_state(|state| state.mark_read(snapshot, hash));
        }
        // Parsed without holding the lock, so that requests are decided in the meantime.
        let parsed = found.and_then(|(sources, _)| parse::parse(&sources));
        self.change_state(|state| {
            state.mark_read(snapshot, hash);
            state.put_in_force(parsed);
        });
    }
}

impl AttributeRules for Policies {
    fn check_attributes(
        &self,
        name: &ResourceName,
        attributes: &Map<String, Value>,
    ) -> Result<(), AttributeFault> {
        readable(attributes).map_err(|_| AttributeFault::Unreadable)?;
        let Some(table) = self.table() else {
            return Ok(());
        };
        table
            .entity(name.kind.as_str(), name.id.as_str())
            .ok_or_else(|| format!("{} is not an entity type", name.kind))
            .and_then(|id| table.check_attributes(input::resource_entity(&id, attributes)?))
            .map_err(AttributeFault::NotInSchema)
    }
}

/// Checks the policies of a folder without putting them in force. Returns their number and the warnings.
///
/// # Errors
/// The first error.
pub fn check(folder: &Path, schema: Option<&Path>) -> Result<(usize, Vec<String>), PolicyFault> {
    let (sources, _) = read::read(Some(folder), schema)?;
    let parsed = parse::parse(&sources)?;
    Ok((parsed.table.count, parsed.warnings))
}
