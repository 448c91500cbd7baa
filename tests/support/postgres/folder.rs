//! The folder of a PostgreSQL server: data, settings, certificate, and the user that owns them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::options::{Encryption, PostgresOptions};
use super::programs::{self, SystemUser};
use crate::support::process::run;

/// A folder that is removed when this value is dropped.
pub struct ServerFolder {
    folder: TempDir,
    owner: Option<SystemUser>,
}

impl ServerFolder {
    /// Creates a folder with an empty data directory, for a superuser with a password.
    pub fn create(options: &PostgresOptions, user: &str, password: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("doorward-pg-")
            .tempdir()
            .expect("a folder");
        let folder = Self {
            folder,
            owner: SystemUser::for_postgres(),
        };
        folder.give_away(folder.path());
        let password_file = folder.path().join("password");
        folder.write(&password_file, password);
        let mut initdb = folder.command("initdb");
        initdb
            .arg("-D")
            .arg(folder.data())
            .arg("--pwfile")
            .arg(&password_file);
        initdb.args([
            "--username",
            user,
            "--auth",
            options.authentication_method(),
        ]);
        run(
            initdb.args(["--encoding", "UTF8", "--no-locale", "--no-sync"]),
            "",
        );
        folder.write(&folder.data().join("pg_hba.conf"), &options.access_rules());
        let settings = options.settings_file(&folder.path().display().to_string());
        folder.write(&folder.data().join("postgresql.auto.conf"), &settings);
        if options.encryption == Encryption::Required {
            folder.make_certificate();
        }
        folder
    }

    /// Returns the data directory.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Returns the file with the server's output.
    pub fn log(&self) -> PathBuf {
        self.path().join("server.log")
    }

    /// Returns the certificate file, if there is one.
    pub fn certificate(&self) -> PathBuf {
        self.path().join("server.crt")
    }

    /// Returns a command of PostgreSQL, run by the user that owns the folder.
    pub fn command(&self, program: &str) -> Command {
        let mut command = programs::command(program);
        command.current_dir(self.path());
        if let Some(owner) = self.owner {
            command.uid(owner.user).gid(owner.group);
        }
        command
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make_certificate(&self) {
        let mut openssl = Command::new("openssl");
        openssl.current_dir(self.path());
        openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(' '));
        openssl.args("-days 2 -subj /CN=localhost".split(' '));
        openssl.args("-addext subjectAltName=DNS:localhost,IP:127.0.0.1".split(' '));
        run(
            openssl.args(["-keyout", "server.key", "-out", "server.crt"]),
            "",
        );
        let key = self.path().join("server.key");
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("the key can be protected");
        self.give_away(&key);
        self.give_away(&self.certificate());
    }

    fn write(&self, file: &Path, text: &str) {
        fs::write(file, text).expect("a file of the server can be written");
        self.give_away(file);
    }

    fn give_away(&self, file: &Path) {
        if let Some(owner) = self.owner {
            chown(file, Some(owner.user), Some(owner.group)).expect("root can give files away");
        }
    }
}
