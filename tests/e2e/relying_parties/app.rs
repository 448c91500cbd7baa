//! A relying party as a process: registered by its guide's command, configured by environment variables.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::guide;
use crate::support::binary;
use crate::support::process::{ChildProcess, free_port};
use crate::support::test_server::TestServer;
use crate::support::third_party::{built, httpd, in_repository, installed, node_example};

/// Generous, for a machine that runs other tests.
const START_BOUND: Duration = Duration::from_secs(30);

/// The library that an app uses.
#[derive(Clone, Copy)]
pub enum Library {
    OidcClientTs,
    OpenidClient,
    Authlib,
    ModAuthOpenidc,
    Openidconnect,
}

/// A running app, stopped when it is dropped.
pub struct App {
    /// Origin of the app.
    pub origin: String,
    /// URL of the page that shows the signed-in user.
    pub page: String,
    _process: ChildProcess,
    _folder: TempDir,
}

impl App {
    /// Registers and starts an app on localhost, which is the same site as Doorward.
    pub fn start(server: &TestServer, library: Library) -> Self {
        Self::start_at(server, library, "localhost")
    }

    /// Like [`App::start`], with another host name of this machine.
    pub fn start_at(server: &TestServer, library: Library, host: &str) -> Self {
        let port = free_port();
        let origin = format!("http://{host}:{port}");
        let command = guide::registration(library.guide(), &origin);
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        let client = binary::run(&server.config, &[&arguments, &["--json"][..]].concat()).json();
        let folder = TempDir::new().expect("a folder");
        let mut command = library.command(folder.path());
        command
            .env("ISSUER", server.origin())
            .env("ORIGIN", &origin)
            .env("PORT", port.to_string());
        for (variable, member) in [
            ("CLIENT_ID", "client_id"),
            ("CLIENT_SECRET", "client_secret"),
        ] {
            command.env(variable, client[member].as_str().unwrap_or_default());
        }
        let output = folder.path().join("output.log");
        let mut process = ChildProcess::spawn(&mut command, &output);
        process.wait_until_ready(START_BOUND, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            page: format!("{origin}{}", library.page()),
            origin,
            _process: process,
            _folder: folder,
        }
    }
}

impl Library {
    /// Returns the name of its guide.
    pub fn guide(self) -> &'static str {
        match self {
            Self::OidcClientTs => "single-page-app",
            Self::OpenidClient => "node",
            Self::Authlib => "python",
            Self::ModAuthOpenidc => "apache",
            Self::Openidconnect => "rust",
        }
    }

    /// Returns the path of the page that shows the signed-in user.
    fn page(self) -> &'static str {
        match self {
            Self::OidcClientTs => "/",
            _ => "/me",
        }
    }

    fn command(self, folder: &Path) -> Command {
        match self {
            Self::OidcClientTs => node_example("single-page-app", folder),
            Self::OpenidClient => node_example("server-side-app", folder),
            Self::Authlib => {
                let mut command = Command::new(installed("authlib/bin/python"));
                command
                    .arg("-B")
                    .arg(in_repository("tests/relying_parties/authlib/app.py"));
                command
            }
            Self::ModAuthOpenidc => httpd(folder),
            Self::Openidconnect => Command::new(built("relying-party")),
        }
    }
}
