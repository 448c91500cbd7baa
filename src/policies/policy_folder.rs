//! Reads the policy folder: lists its files, detects changes, and returns the contents.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

use super::fault::PolicyFault;

/// A file that was read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

/// The texts of a set of policies.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    pub(super) policies: Vec<Source>,
    pub(super) schema: Option<Source>,
}

/// The texts and their hash.
pub(super) type LoadedSources = (Sources, Vec<u8>);

/// Metadata of the policy files. The files are read only when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderSnapshot(Vec<FileSnapshot>);

/// Metadata of one file: size, time of the last modification, and time of the last status change (a copy may
/// preserve the former).
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileSnapshot {
    name: String,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Maximum size of a file in bytes. Policies are small; a larger file is there by mistake.
const MAX_FILE_SIZE: u64 = 4 << 20;

/// Reads the metadata of the policy files and the schema. Follows symbolic links, because mounted Kubernetes
/// `ConfigMap`s consist of them.
pub(super) fn snapshot(
    folder: Option<&Path>,
    schema: Option<&Path>,
) -> Result<FolderSnapshot, PolicyFault> {
    let mut files = Vec::new();
    if let Some(folder) = folder {
        for name in names(folder)? {
            files.push(entry(&folder.join(&name), name)?);
        }
    }
    if let Some(schema) = schema {
        files.push(entry(schema, schema.display().to_string())?);
    }
    Ok(FolderSnapshot(files))
}

/// Reads the metadata of one file. A broken link is an error rather than a missing policy.
fn entry(path: &Path, name: String) -> Result<FileSnapshot, PolicyFault> {
    let found =
        fs::metadata(path).map_err(|error| PolicyFault::of_file(&name, error.to_string()))?;
    if !found.is_file() {
        return Err(PolicyFault::of_file(&name, "is not a file"));
    }
    if found.len() > MAX_FILE_SIZE {
        return Err(PolicyFault::of_file(&name, "is larger than 4 MiB"));
    }
    Ok(FileSnapshot {
        name,
        size: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

/// Returns the sorted names of the policy files in a folder, without its subfolders.
fn names(folder: &Path) -> Result<Vec<String>, PolicyFault> {
    let fault = |reason: String| PolicyFault::of_file(&folder.display().to_string(), reason);
    let mut names = Vec::new();
    for found in fs::read_dir(folder).map_err(|error| fault(error.to_string()))? {
        let name = found.map_err(|error| fault(error.to_string()))?.file_name();
        let Some(name) = name.to_str() else {
            return Err(fault("contains a file whose name is not UTF-8".into()));
        };
        // Editors write temporary copies next to a file, under names that begin with a dot.
        let is_policy = Path::new(name).extension() == Some(OsStr::new("cedar"));
        if is_policy && !name.starts_with('.') {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads all files and returns the contents with their hash.
pub(super) fn read(
    folder: Option<&Path>,
    schema: Option<&Path>,
) -> Result<LoadedSources, PolicyFault> {
    let mut sources = Sources::default();
    if let Some(folder) = folder {
        for name in names(folder)? {
            sources.policies.push(source(&folder.join(&name), name)?);
        }
    }
    if let Some(schema) = schema {
        let name = schema.file_name().map_or_else(
            || schema.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        sources.schema = Some(source(schema, name)?);
    }
    let mut hash = Context::new(&SHA256);
    for source in sources.policies.iter().chain(&sources.schema) {
        for part in [&source.name, &source.text] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Ok((sources, hash.finish().as_ref().to_vec()))
}

fn source(path: &Path, name: String) -> Result<Source, PolicyFault> {
    entry(path, name.clone())?;
    match fs::read_to_string(path) {
        Ok(text) => Ok(Source { name, text }),
        Err(error) => Err(PolicyFault::of_file(&name, error.to_string())),
    }
}
