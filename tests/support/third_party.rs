//! Third-party software that tests run beside Doorward, installed and built by `scripts/relying-parties`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the path of a file or folder of this repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the path of something that `scripts/relying-parties` installed.
pub fn installed(path: &str) -> PathBuf {
    let folder = std::env::var("DOORWARD_TEST_RELYING_PARTIES")
        .expect("DOORWARD_TEST_RELYING_PARTIES is not set: run scripts/test, which installs relying parties, or name what scripts/relying-parties prints");
    let path = Path::new(&folder).join(path);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// Returns the command of a Node.js example, with the packages of its lock file.
pub fn node_example(name: &str, folder: &Path) -> Command {
    copy(&in_repository(&format!("examples/{name}")), folder);
    let packages = installed(&format!("{name}/node_modules"));
    symlink(packages, folder.join("node_modules")).expect("a link");
    let mut command = Command::new("node");
    command.arg(folder.join("server.js"));
    command
}

/// Returns the path of a program built by `scripts/relying-parties`, which is in the folder of the `doorward` binary.
pub fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_doorward")).with_file_name(name)
}

/// Copies the files of a folder, without subfolders.
pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("a name");
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}

/// Returns the command of Apache httpd with mod_auth_openidc, with a copy of its configuration in this folder; `doorward.conf`
/// configures the provider. If started by root, it drops its privileges, and can then read only world-readable files there.
pub fn httpd(folder: &Path) -> Command {
    let modules = "/usr/lib/apache2/modules";
    assert!(
        Path::new(modules).join("mod_auth_openidc.so").exists(),
        "mod_auth_openidc is missing: scripts/test installs it"
    );
    let sources = in_repository("tests/relying_parties/mod_auth_openidc");
    let pages = folder.join("pages");
    fs::create_dir(&pages).expect("a folder");
    copy(&sources, folder);
    copy(&sources.join("pages"), &pages);
    for open in [folder, &pages] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    let mut command = Command::new("/usr/sbin/apache2");
    command
        .args(["-D", "FOREGROUND", "-f"])
        .arg(folder.join("httpd.conf"))
        .env("FOLDER", folder)
        .env("MODULES", modules)
        .env("PAGES", &pages)
        .env("DOORWARD", folder.join("doorward.conf"))
        .env("CRYPTO_PASSPHRASE", "known to this test alone");
    command
}
