//! A program as a process, and its registration by the command.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use doorward::clients::{Preset, SettingValues};
use tempfile::TempDir;

use crate::support::binary;
use crate::support::http::TestBrowser;
use crate::support::process::{ChildProcess, free_port};
use crate::support::test_server::TestServer;
use crate::support::third_party::{copy, in_repository, installed};

/// Generous, for a machine that runs other tests.
const START_BOUND: Duration = Duration::from_secs(60);

/// A client that `doorward client create` registered, for a program on this machine.
pub struct Client {
    /// Origin of the program.
    pub origin: String,
    /// Port of the program.
    pub port: u16,
    /// `client_id`.
    pub id: String,
    /// `client_secret`; empty for a public client.
    pub secret: String,
    issuer: String,
}

impl Client {
    /// Registers a program with these arguments, in which ORIGIN is replaced.
    pub fn register(server: &TestServer, arguments: &[&str]) -> Self {
        let port = free_port();
        let origin = format!("http://localhost:{port}");
        let mut words: Vec<String> = ["client", "create", "--json"].map(str::to_owned).to_vec();
        words.extend(arguments.iter().map(|word| word.replace("ORIGIN", &origin)));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let client = binary::run(&server.config, &words).json();
        let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
        Self {
            origin,
            port,
            id: text("client_id"),
            secret: text("client_secret"),
            issuer: server.origin().to_owned(),
        }
    }

    /// Returns the settings of a preset, as the command prints them for this client.
    pub fn settings(&self, preset: &str) -> String {
        let preset = Preset::find(preset).expect("a preset");
        preset.settings(SettingValues {
            issuer: &self.issuer,
            client_id: &self.id,
            client_secret: (!self.secret.is_empty()).then_some(&self.secret),
            url: Some(&self.origin),
        })
    }

    /// Starts a Node.js program of `tests/relying_parties/javascript`, with a settings file.
    pub fn start_node(&self, script: &str, settings: &str) -> Program {
        self.start("/me", |folder| {
            copy(&in_repository("tests/relying_parties/javascript"), folder);
            let packages = installed("javascript/node_modules");
            symlink(packages, folder.join("node_modules")).expect("a link");
            fs::write(folder.join("settings.txt"), settings).expect("a file");
            let mut command = Command::new("node");
            command
                .arg(folder.join(script))
                .env("SETTINGS", folder.join("settings.txt"))
                .env("AUTH_SECRET", "known to this test alone, and long");
            command
        })
    }

    /// Returns the text of a file of `tests/relying_parties` with the values of this client and this folder.
    pub fn configured(&self, source: &str, folder: &Path) -> String {
        let source = in_repository("tests/relying_parties").join(source);
        let text = fs::read_to_string(source).expect("a file");
        text.replace("@FOLDER@", &folder.to_string_lossy())
            .replace("@ORIGIN@", &self.origin)
            .replace("@PORT@", &self.port.to_string())
    }

    /// Starts a program in a folder of its own, configured by environment variables; it is ready when the path `ready` responds.
    pub fn start(&self, ready: &str, prepare: impl FnOnce(&Path) -> Command) -> Program {
        let folder = TempDir::new().expect("a folder");
        let mut command = prepare(folder.path());
        command
            .current_dir(folder.path())
            .env("ISSUER", &self.issuer)
            .env("ORIGIN", &self.origin)
            .env("PORT", self.port.to_string())
            .env("CLIENT_ID", &self.id)
            .env("CLIENT_SECRET", &self.secret);
        let output = folder.path().join("output.log");
        let mut process = ChildProcess::spawn(&mut command, &output);
        let browser = TestBrowser::new(self.port, &self.origin);
        process.wait_until_ready(START_BOUND, || {
            let answer = browser.request("GET", ready).try_send();
            answer.is_ok_and(|answer| answer.status < 400)
        });
        Program {
            origin: self.origin.clone(),
            process,
            _folder: folder,
        }
    }
}

/// A running program. It ends when this is dropped, and its output is shown if the test fails.
pub struct Program {
    /// Origin of the program.
    pub origin: String,
    process: ChildProcess,
    _folder: TempDir,
}

impl Program {
    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for Program {
    #[expect(
        clippy::print_stderr,
        reason = "the test runner shows it with the failure"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("output of the program:\n{}", self.process.output());
        }
    }
}
