//! The policies in force: read from a folder, checked, asked. Cedar is spoken here and nowhere else.
//!
//! Promises that a set with a mistake in it is never used, not even in part, and that what is asked is told apart: what
//! Doorward knows, and what the caller says. They come from files, so every instance reads its own and none needs another's.

mod evaluate;
mod facts;
mod fault;
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

use super::ResourceName;
use crate::base::config;
use crate::base::hex::to_hex;
pub use fault::PolicyFault;
use parse::Parsed;
use read::{Look, Reading};
pub use schema::BASE_SCHEMA;
use table::PolicyTable;
pub use values::readable;

pub use evaluate::Challenge;
pub use facts::Facts;

/// How often a start reads a folder that changes while it is read. After that nothing is in force until it is still.
const READINGS: usize = 10;

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
    /// The hash of the set in force, in hexadecimal; `None`: there is none.
    pub hash: Option<String>,
    /// Number of policies in the set.
    pub count: usize,
    /// Whether the folder as it is now was refused.
    pub is_refused: bool,
}

#[derive(Debug, Default)]
struct State {
    /// The hash of the set in force.
    in_force_hash: Option<Vec<u8>>,
    in_force: Option<Arc<PolicyTable>>,
    fault: Option<PolicyFault>,
    /// How the folder looked last.
    looked: Option<Result<Look, PolicyFault>>,
    /// The look after which it was read last.
    read: Option<Result<Look, PolicyFault>>,
    /// The hash of what was read then.
    hash: Option<Vec<u8>>,
}

impl State {
    fn seen(&mut self, look: Result<Look, PolicyFault>, hash: Option<Vec<u8>>) {
        self.looked = Some(look.clone());
        self.read = Some(look);
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
    /// Of a configured folder; read it with [`Policies::load`].
    pub fn new(config: &config::Access) -> Self {
        let shared = |path: &Option<PathBuf>| path.as_deref().map(Arc::from);
        Self {
            folder: shared(&config.policies),
            schema: shared(&config.schema),
            state: Arc::default(),
        }
    }

    /// Reads the folder at once, for a start. Nothing is in force when a set has a mistake in it; the log says which.
    pub fn load(&self) {
        if self.folder.is_none() {
            tracing::info!(
                "no policies are configured (access.policies); AuthZEN and forward-auth deny every request, sign-in and OpenID Connect work"
            );
        }
        for _ in 0..READINGS {
            self.take(self.look());
            if self.read_state(|state| state.read.is_some()) {
                return;
            }
        }
    }

    /// Reads the folder again if it changed, once it was still for as long as from one look to the next: a set that is half
    /// written is no set. Blocks on files.
    pub fn watch(&self) {
        let look = self.look();
        let is_due = self.change_state(|state| {
            let is_still = state.looked.replace(look.clone()) == Some(look.clone());
            // What could not be read is tried again.
            let is_news = state.read.as_ref() != Some(&look) || state.hash.is_none();
            is_still && is_news
        });
        if is_due {
            self.take(look);
        }
    }

    /// Why the folder as it is now is not in force; `None`: it is.
    pub fn fault(&self) -> Option<PolicyFault> {
        self.read_state(|state| state.fault.clone())
    }

    /// Whether any set is in force, be it an earlier one.
    pub fn are_in_force(&self) -> bool {
        self.read_state(|state| state.in_force.is_some())
    }

    /// How many policies are in force.
    pub fn count(&self) -> usize {
        self.read_state(|state| state.in_force.as_ref().map_or(0, |table| table.count))
    }

    /// Checks that policies can read these attributes of a resource, and that they fit the schema in force, if there is one.
    ///
    /// # Errors
    /// Which attribute does not fit, and why.
    pub fn check_attributes(
        &self,
        name: &ResourceName,
        attributes: &Map<String, Value>,
    ) -> Result<(), String> {
        let Some(table) = self.table() else {
            return Ok(());
        };
        let id = table.entity(name.kind.as_str(), name.id.as_str());
        let id = id.ok_or_else(|| format!("{} is not an entity type", name.kind))?;
        table.check_attributes(facts::thing(&id, attributes)?)
    }

    /// The set in force, and whether the folder has another one that was refused; recorded in the audit log.
    pub fn loaded(&self) -> Loaded {
        self.read_state(|state| Loaded {
            hash: state.in_force_hash.as_deref().map(to_hex),
            count: state.in_force.as_ref().map_or(0, |table| table.count),
            is_refused: state.fault.is_some(),
        })
    }

    /// Every action that policies and schema name, sorted.
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

    fn look(&self) -> Result<Look, PolicyFault> {
        read::look(self.folder.as_deref(), self.schema.as_deref())
    }

    /// Reads and checks what is there, and puts it in force if it is without mistake, and was not changed meanwhile: then it is
    /// no set, and the next look sees another folder.
    fn take(&self, look: Result<Look, PolicyFault>) {
        self.take_by(look, read::read);
    }

    /// As [`Policies::take`], read by `reading`: a test changes the folder there.
    fn take_by(
        &self,
        look: Result<Look, PolicyFault>,
        reading: impl FnOnce(Option<&Path>, Option<&Path>) -> Result<Reading, PolicyFault>,
    ) {
        let found = look
            .as_ref()
            .map_err(PolicyFault::clone)
            .and_then(|_| reading(self.folder.as_deref(), self.schema.as_deref()));
        if self.look() != look {
            tracing::debug!("the policies changed while they were read; reading them again");
            return;
        }
        let hash = found.as_ref().ok().map(|(_, hash)| hash.clone());
        if hash.is_some() && self.read_state(|state| state.hash == hash) {
            return self.change_state(|state| state.seen(look, hash));
        }
        // Parsed outside of the lock: questions are answered meanwhile.
        let parsed = found.and_then(|(sources, _)| parse::parse(&sources));
        self.change_state(|state| {
            state.seen(look, hash);
            state.put_in_force(parsed);
        });
    }
}

/// A set from a folder, checked and not put in force: how many policies it has, and what may be a mistake in it.
///
/// # Errors
/// The first mistake.
pub fn check(folder: &Path, schema: Option<&Path>) -> Result<(usize, Vec<String>), PolicyFault> {
    let (sources, _) = read::read(Some(folder), schema)?;
    let parsed = parse::parse(&sources)?;
    Ok((parsed.table.count, parsed.warnings))
}
