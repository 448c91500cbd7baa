//! Checks the permissions of files that hold secrets.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::{Config, ConfigFault};

/// A file with a secret, and the configuration key that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// The key, as `section.key`.
    pub key: String,
    /// Path of the file.
    pub path: PathBuf,
}

impl Config {
    /// Returns secret files with excessive permissions, each with how to fix it. Files that don't exist or can't be inspected are
    /// left out, because reading them fails with its own error.
    pub fn exposed_secret_files(&self) -> Vec<ConfigFault> {
        let named = |key: &str, path: PathBuf| SecretFile {
            key: key.to_owned(),
            path,
        };
        let secrets = &self.secrets;
        let previous = secrets.previous_master_key_file.clone();
        std::iter::once(named("secrets.master_key_file", self.master_key_path()))
            .chain(previous.map(|path| named("secrets.previous_master_key_file", path)))
            .chain(secrets.value_files.iter().cloned())
            .filter_map(|file| {
                // Follows symbolic links, because Kubernetes mounts secrets as such.
                let metadata = std::fs::metadata(&file.path).ok()?;
                let user = rustix::process::geteuid().as_raw();
                is_exposed(&metadata, user).then(|| fault(file, &metadata))
            })
            .collect()
    }
}

/// Whether the file's permissions are excessive. The owner may have every permission. The group may read a file that belongs to
/// another user (`root:doorward` 0640, or `fsGroup` in Kubernetes), because this process then reads it as a member of the group.
fn is_exposed(metadata: &Metadata, user: u32) -> bool {
    exceeds(metadata.mode(), metadata.uid() == user)
}

fn exceeds(mode: u32, is_own: bool) -> bool {
    let allowed = if is_own { 0o700 } else { 0o740 };
    mode & 0o777 & !allowed != 0
}

fn fault(file: SecretFile, metadata: &Metadata) -> ConfigFault {
    let path = file.path.display();
    ConfigFault {
        reason: format!(
            "{path}: other users of this machine can access this secret (mode {:04o}). Run `chmod 600 {path}`. Where the platform \
             sets the mode, let it set 0400, or 0440 with Doorward's group; otherwise secrets.allow_readable_files = true makes this a \
             warning",
            metadata.mode() & 0o777
        ),
        key: file.key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_group_may_read_a_file_of_another_user() {
        for mode in [0o600, 0o400, 0o700] {
            assert!(!exceeds(mode, true) && !exceeds(mode, false), "{mode:o}");
        }
        for mode in [0o640, 0o440] {
            assert!(exceeds(mode, true) && !exceeds(mode, false), "{mode:o}");
        }
        for mode in [0o644, 0o604, 0o602, 0o601, 0o620, 0o660, 0o610, 0o777] {
            assert!(exceeds(mode, true) && exceeds(mode, false), "{mode:o}");
        }
    }
}
