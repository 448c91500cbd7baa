//! A real proxy as a process, configured by the file that its guide shows, with the names and ports of the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::process::ChildProcess;

/// Generous, for a machine that runs other tests.
const START_BOUND: Duration = Duration::from_secs(30);

/// The proxy software.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Nginx,
    Caddy,
    Traefik,
}

/// A running proxy in front of a shop, stopped when it is dropped.
pub struct Proxy {
    port: u16,
    _process: ChildProcess,
    _folder: TempDir,
}

impl Proxy {
    /// Starts a proxy on this port, in front of Doorward and an application.
    pub fn start(kind: Kind, port: u16, doorward: u16, application: u16) -> Self {
        let folder = TempDir::new().expect("a folder");
        let ours = |text: &str| {
            text.replace("127.0.0.1:8080", &format!("127.0.0.1:{doorward}"))
                .replace("127.0.0.1:3000", &format!("127.0.0.1:{application}"))
        };
        let mut command = match kind {
            Kind::Nginx => nginx(folder.path(), port, ours),
            Kind::Caddy => caddy(folder.path(), port, ours),
            Kind::Traefik => traefik(folder.path(), port, ours),
        };
        let mut process = ChildProcess::spawn(&mut command, &folder.path().join("output.log"));
        process.wait_until_ready(START_BOUND, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    /// Returns host and port, as in browsers.
    pub fn host(&self) -> String {
        format!("shop.localhost:{}", self.port)
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host())
    }
}

/// Returns the text of a file that a guide shows.
pub fn recipe(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/proxies")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    path
}

fn nginx(folder: &Path, port: u16, ours: impl Fn(&str) -> String) -> Command {
    write(
        folder,
        "nginx-doorward.conf",
        &ours(&recipe("nginx-doorward.conf"))
            .replace("shop.example.com", &format!("shop.localhost:{port}")),
    );
    let own_folder = folder.to_string_lossy();
    let main = recipe("nginx.conf")
        .replace("PORT", &port.to_string())
        .replace("FOLDER", &own_folder);
    let main = write(folder, "nginx.conf", &main);
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(main)
        .arg("-e")
        .arg("stderr");
    // If started by root, its worker processes would drop their privileges and could not read the folder.
    command.arg("-g").arg("master_process off;");
    command
}

fn caddy(folder: &Path, port: u16, ours: impl Fn(&str) -> String) -> Command {
    let site = format!("http://shop.localhost:{port} {{");
    let text = ours(&recipe("doorward.caddyfile")).replace("shop.example.com {", &site);
    let text = format!("{{\n\tadmin off\n\tauto_https off\n}}\n\n{text}");
    let file = write(folder, "Caddyfile", &text);
    let mut command = Command::new("caddy");
    command
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file);
    command
}

fn traefik(folder: &Path, port: u16, ours: impl Fn(&str) -> String) -> Command {
    let text = ours(&recipe("traefik-doorward.yaml")).replace("shop.example.com", "shop.localhost");
    let file = write(folder, "doorward.yaml", &text);
    let program = std::env::var("DOORWARD_TEST_TRAEFIK")
        .expect("DOORWARD_TEST_TRAEFIK is not set: run scripts/test, which installs Traefik, or name what scripts/traefik prints");
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .arg(format!("--entryPoints.web.address=127.0.0.1:{port}"))
        .arg(format!("--providers.file.filename={}", file.display()))
        .args([
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
            "--log.level=WARN",
        ]);
    command
}
