//! Headless Chromium, driven by its DevTools protocol: real pages, real input, virtual authenticators.

mod console;
mod devtools;
mod input;
mod page;
mod view;
pub mod virtual_authenticator;

use std::env;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::process::ChildProcess;
use devtools::DevTools;
pub use page::Page;
pub use virtual_authenticator::AuthenticatorOptions;

/// Timeout of every wait for the browser or for a page.
const BOUND: Duration = Duration::from_secs(20);
/// Longer, because the first start on a machine reads two hundred megabytes from the disk.
const START_BOUND: Duration = Duration::from_secs(60);

const ARGUMENTS: [&str; 16] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    // Treats the pages of all contexts as foreground pages.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
];

/// A browser with an empty profile, killed when it and its last [`Page`] are dropped.
pub struct Chromium {
    running: Arc<Running>,
}

/// The resources that pages share. The process ends before its profile is removed.
struct Running {
    devtools: DevTools,
    _process: ChildProcess,
    _profile: TempDir,
}

impl Chromium {
    /// Starts the program that the variable `CHROMIUM` names, or `chromium`.
    pub fn launch() -> Self {
        Self::launch_with(&[])
    }

    /// Like [`Chromium::launch`], with further arguments.
    pub fn launch_with(arguments: &[&str]) -> Self {
        let profile = tempfile::Builder::new()
            .prefix("chromium-")
            .tempdir()
            .expect("a folder");
        let program = env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        let mut command = Command::new(program);
        // Isolates the home folder, so that certificates and caches of the machine's user have no effect, and the folder of
        // temporary files, which remain when the browser is killed.
        command
            .env("HOME", profile.path())
            .env("TMPDIR", profile.path())
            .args(ARGUMENTS)
            .args(arguments);
        command
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank");
        let mut process = ChildProcess::spawn(&mut command, &profile.path().join("output.log"));
        let mut address = None;
        process.wait_until_ready(START_BOUND, || {
            address = devtools_address(&profile.path().join("DevToolsActivePort"));
            address.is_some()
        });
        let (port, path) = address.expect("the address that was waited for");
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the browser lets DevTools in");
        let devtools = DevTools::connect(stream, &format!("ws://127.0.0.1:{port}{path}"));
        Self {
            running: Arc::new(Running {
                devtools,
                _process: process,
                _profile: profile,
            }),
        }
    }

    /// Opens an empty page in a browser context of its own, which shares no cookies or storage with other pages.
    pub fn page(&self) -> Page {
        let created =
            self.running
                .devtools
                .call(None, "Target.createBrowserContext", json!({}), BOUND);
        let context = created.expect("a browser context")["browserContextId"]
            .as_str()
            .expect("its id")
            .to_owned();
        Page::open(Arc::clone(&self.running), context)
    }
}

/// Returns port and path of the browser's WebSocket, once both lines of the file are written.
fn devtools_address(file: &Path) -> Option<(u16, String)> {
    let text = fs::read_to_string(file).ok()?;
    let (port, path) = text.split_once('\n')?;
    let path = path.trim_end();
    (!path.is_empty()).then_some((port.parse().ok()?, path.to_owned()))
}
