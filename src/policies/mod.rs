//! Access decisions: may a subject perform an action on a resource? No other module uses Cedar.
//!
//! [`DecisionEngine::add_facts`] completes a [`Question`] with the stored facts; only the resulting [`DecisionInput`] can be
//! evaluated. [`Policies::decide`], which reads no store, turns it into a [`Decision`].
//!
//! A set with an error is never used, not even in part, and stored facts are always separate from what the caller claims.
//! Policies come from files: every instance reads its own and doesn't depend on another.

mod decide;
mod decision_input;
mod evaluate;
mod fault;
mod input;
mod parse;
mod policy_folder;
mod reload;
mod schema;
mod scope;
mod table;
#[cfg(test)]
mod tests;
mod used_inputs;
mod values;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::assignments::{AttributeFault, AttributeRules, ResourceName};
use crate::base::config;
use crate::base::hex::to_hex;
use policy_folder::FolderSnapshot;
use table::PolicyTable;

pub use decide::DecisionEngine;
pub use decision_input::{
    Claimed, Decision, DecisionInput, PrefetchedFacts, Question, StepUpRequirement, Subject,
    is_action,
};
pub use evaluate::StepUpSearch;
pub use fault::PolicyFault;
pub use values::readable;

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
pub fn check(folder: &Path, schema: Option<&Path>) -> Result<(usize, Vec<String>), PolicyFault> {
    let (sources, _) = policy_folder::read(Some(folder), schema)?;
    let parsed = parse::parse(&sources)?;
    Ok((parsed.table.count, parsed.warnings))
}
