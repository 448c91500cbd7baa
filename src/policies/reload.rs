//! Reads the policy folder at startup and again when it changed, and puts a set without errors in force.

use std::path::Path;
use std::sync::Arc;

use super::parse::Parsed;
use super::policy_folder::{FolderSnapshot, LoadedSources};
use super::{Policies, PolicyFault, State, parse, policy_folder};

/// Maximum number of times that [`Policies::load`] reads a folder that changes during the read. After that, no policies are in
/// force until the folder is stable.
const MAX_READ_ATTEMPTS: usize = 10;

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

    pub(super) fn snapshot(&self) -> Result<FolderSnapshot, PolicyFault> {
        policy_folder::snapshot(self.folder.as_deref(), self.schema.as_deref())
    }

    /// Reads and checks the folder, and puts the set in force if it has no error. If the folder changed during the read, the
    /// result is discarded; the next snapshot differs, so that the folder is read again.
    fn reload(&self, snapshot: Result<FolderSnapshot, PolicyFault>) {
        self.reload_with(snapshot, policy_folder::read);
    }

    /// Same as [`Policies::reload`], but reads with `reading`. A test changes the folder there.
    pub(super) fn reload_with(
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
