//! The folder: which files there are, whether they changed, and what they hold.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

use super::fault::PolicyFault;

/// One file's text.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Its name within the folder.
    pub(super) name: String,
    pub(super) text: String,
}

/// Everything that a set of policies is made from.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    pub(super) policies: Vec<Source>,
    pub(super) schema: Option<Source>,
}

/// What was read, and its hash.
pub(super) type Reading = (Sources, Vec<u8>);

/// How the folder looks from outside. It is read only when this differs from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look(Vec<Seen>);

/// A file from outside: its size, and when its content and when anything about it changed (a copy may keep the former).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    name: String,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A set is small; what is larger was put there by mistake.
const LARGEST: u64 = 4 << 20;

/// Looks at the folder and the schema, links followed (a mounted configuration map is made of them).
pub(super) fn look(folder: Option<&Path>, schema: Option<&Path>) -> Result<Look, PolicyFault> {
    let mut files = Vec::new();
    if let Some(folder) = folder {
        for name in names(folder)? {
            files.push(entry(&folder.join(&name), name)?);
        }
    }
    if let Some(schema) = schema {
        files.push(entry(schema, schema.display().to_string())?);
    }
    Ok(Look(files))
}

/// A link that leads nowhere is a mistake, not a policy less.
fn entry(path: &Path, name: String) -> Result<Seen, PolicyFault> {
    let found =
        fs::metadata(path).map_err(|error| PolicyFault::of_file(&name, error.to_string()))?;
    if !found.is_file() {
        return Err(PolicyFault::of_file(&name, "is not a file"));
    }
    if found.len() > LARGEST {
        return Err(PolicyFault::of_file(&name, "is larger than 4 MiB"));
    }
    Ok(Seen {
        name,
        size: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

/// The policy files of a folder, by name. Folders in it are not entered.
fn names(folder: &Path) -> Result<Vec<String>, PolicyFault> {
    let fault = |reason: String| PolicyFault::of_file(&folder.display().to_string(), reason);
    let mut names = Vec::new();
    for found in fs::read_dir(folder).map_err(|error| fault(error.to_string()))? {
        let name = found.map_err(|error| fault(error.to_string()))?.file_name();
        let Some(name) = name.to_str() else {
            return Err(fault("contains a file whose name is not UTF-8".into()));
        };
        // Editors keep their own copies beside a file, under a name that begins with a point.
        let is_policy = Path::new(name).extension() == Some(OsStr::new("cedar"));
        if is_policy && !name.starts_with('.') {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads all of it, and the hash of what was read.
pub(super) fn read(folder: Option<&Path>, schema: Option<&Path>) -> Result<Reading, PolicyFault> {
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
