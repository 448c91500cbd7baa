//! Other people's software that tests run beside Doorward: what `scripts/relying-parties` installed and built.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file or folder of this repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What `scripts/relying-parties` installed.
pub fn installed(path: &str) -> PathBuf {
    let folder = std::env::var("DOORWARD_TEST_RELYING_PARTIES")
        .expect("DOORWARD_TEST_RELYING_PARTIES is not set: run scripts/test, which installs relying parties, or name what scripts/relying-parties prints");
    let path = Path::new(&folder).join(path);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// A Node.js example, beside the packages that its lock file names.
pub fn node_example(name: &str, folder: &Path) -> Command {
    copy(&in_repository(&format!("examples/{name}")), folder);
    let packages = installed(&format!("{name}/node_modules"));
    symlink(packages, folder.join("node_modules")).expect("a link");
    let mut command = Command::new("node");
    command.arg(folder.join("server.js"));
    command
}

/// A program that `scripts/relying-parties` built, into the folder where Doorward itself is.
pub fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_doorward")).with_file_name(name)
}

/// Copies the files of a folder, not its folders.
pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("a name");
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}
