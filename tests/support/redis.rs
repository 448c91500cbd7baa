//! A Redis server for a single test, which can be killed, paused, restarted, copied and restored.

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{ChildProcess, free_port, run};

/// Generous, for a machine that runs twenty other tests.
const START_BOUND: Duration = Duration::from_secs(30);

/// Options of a server. The default is what Doorward requires.
#[derive(Clone)]
pub struct RedisOptions {
    /// `appendonly`: whether writes are stored on disk.
    pub append_only: bool,
    /// `appendfsync`: `always`, `everysec` or `no`.
    pub append_fsync: String,
    /// `maxmemory-policy`: which keys may be evicted when memory is full.
    pub maxmemory_policy: String,
    /// Further settings by name.
    pub settings: Vec<(String, String)>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            append_only: true,
            append_fsync: "always".to_owned(),
            maxmemory_policy: "noeviction".to_owned(),
            settings: Vec::new(),
        }
    }
}

/// A running server on 127.0.0.1, in a folder that is removed with this value.
pub struct Redis {
    options: RedisOptions,
    folder: TempDir,
    port: u16,
    server: Option<ChildProcess>,
}

/// A copy of a server's files.
pub struct RedisFiles(TempDir);

impl Redis {
    /// Starts an empty server; returns when it responds.
    pub fn start(options: RedisOptions) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("doorward-redis-")
            .tempdir()
            .expect("a folder");
        fs::create_dir(folder.path().join("data")).expect("a folder for the files");
        let mut redis = Self {
            options,
            folder,
            port: free_port(),
            server: None,
        };
        redis.restart();
        redis
    }

    /// Returns the server that `scripts/test` started for all tests.
    pub fn shared() -> SharedRedis {
        let url = env::var("DOORWARD_TEST_REDIS")
            .expect("DOORWARD_TEST_REDIS is not set: run scripts/test, which starts the servers that tests share");
        SharedRedis { url }
    }

    /// Returns the URL of database 0.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs `redis-cli` and returns its output: `cli(&["-n", "1", "GET", "key"])`.
    pub fn cli(&self, arguments: &[&str]) -> String {
        redis_cli(&self.url(), arguments)
    }

    /// Kills the server (`kill -9`).
    pub fn kill(&mut self) {
        self.running().kill();
        self.server = None;
    }

    /// Shuts the server down gracefully.
    pub fn stop(&mut self) {
        let has_ended = self.running().end_with(libc::SIGTERM, START_BOUND);
        assert!(has_ended, "the server does not stop");
        self.server = None;
    }

    /// Starts on the same files and the same port as before; returns when the files are loaded.
    pub fn restart(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let mut command = Command::new("redis-server");
        command.current_dir(self.folder.path());
        let port = self.port.to_string();
        let append_only = if self.options.append_only {
            "yes"
        } else {
            "no"
        };
        command.args([
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--dir",
            "data",
            "--save",
            "",
        ]);
        command.args([
            "--appendonly",
            append_only,
            "--appendfsync",
            &self.options.append_fsync,
        ]);
        command.args(["--maxmemory-policy", &self.options.maxmemory_policy]);
        for (name, value) in &self.options.settings {
            command.arg(format!("--{name}")).arg(value);
        }
        let mut server = ChildProcess::spawn(&mut command, &self.folder.path().join("server.log"));
        server.wait_until_ready(START_BOUND, || answers(self.port));
        self.server = Some(server);
    }

    /// Pauses the server: connections stay open, but nothing is answered.
    pub fn pause(&mut self) {
        self.running().pause();
    }

    /// Resumes after [`Redis::pause`].
    pub fn resume(&mut self) {
        self.running().resume();
    }

    /// Copies the server's current files, running or not, as a backup.
    pub fn snapshot_files(&self) -> RedisFiles {
        let copy = TempDir::new().expect("a folder");
        copy_folder(&self.folder.path().join("data"), copy.path());
        RedisFiles(copy)
    }

    /// Replaces the files of this server, which must be stopped, with a copy.
    pub fn restore_files(&self, files: &RedisFiles) {
        assert!(
            self.server.is_none(),
            "a running server would write over the restored files"
        );
        let data = self.folder.path().join("data");
        fs::remove_dir_all(&data).expect("the old files can be removed");
        fs::create_dir(&data).expect("a folder for the files");
        copy_folder(files.0.path(), &data);
    }

    fn running(&mut self) -> &mut ChildProcess {
        self.server.as_mut().expect("the server runs")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Must happen before the folder is removed.
        self.server = None;
    }
}

/// The server that `scripts/test` started.
#[derive(Clone)]
pub struct SharedRedis {
    url: String,
}

impl SharedRedis {
    /// Returns the URL for one test. All tests share one database, because their data has random IDs and tokens as keys.
    pub fn fresh_url(&self) -> String {
        self.url.clone()
    }
}

fn redis_cli(url: &str, arguments: &[&str]) -> String {
    let output = run(
        Command::new("redis-cli")
            .args(["--raw", "-e", "-u", url])
            .args(arguments),
        "",
    );
    output.trim_end_matches('\n').to_owned()
}

/// Whether a server responds and has loaded its files; while it loads, `PING` returns an error.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG")
    };
    ask().unwrap_or(false)
}

/// Copies the files below `from` to the existing folder `to`. Temporary files of a rewrite may vanish during the copy.
fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from)
        .expect("a folder of the server")
        .flatten()
    {
        let target = to.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs::create_dir(&target).expect("a folder for the copy");
            copy_folder(&entry.path(), &target);
        } else if let Err(error) = fs::copy(entry.path(), &target) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::NotFound,
                "{}: {error}",
                entry.path().display()
            );
        }
    }
}
