//! A PostgreSQL server for a single test, which can be killed, paused, restarted, dumped and restored.

mod folder;
mod options;
mod programs;
mod shared;

use std::path::PathBuf;
use std::time::Duration;

use super::process::{ChildProcess, free_port, run};
use folder::ServerFolder;
pub use options::{Authentication, Encryption, PostgresOptions};
pub use shared::SharedPostgres;

const USER: &str = "doorward";
const PASSWORD: &str = "doorward-test-password";
/// Generous, for a machine that runs twenty other tests.
const START_BOUND: Duration = Duration::from_secs(60);

/// A running server on 127.0.0.1, in a folder that is removed with this value.
pub struct Postgres {
    options: PostgresOptions,
    folder: ServerFolder,
    port: u16,
    server: Option<ChildProcess>,
}

impl Postgres {
    /// Creates a data folder and starts a server on it; returns when it responds.
    pub fn start(options: PostgresOptions) -> Self {
        let folder = ServerFolder::create(&options, USER, PASSWORD);
        let mut postgres = Self {
            options,
            folder,
            port: free_port(),
            server: None,
        };
        postgres.restart();
        postgres
    }

    /// Returns the server that `scripts/test` started for all tests.
    pub fn shared() -> SharedPostgres {
        SharedPostgres::from_environment()
    }

    /// Returns the URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        let password = match self.options.authentication {
            Authentication::Scram => format!(":{PASSWORD}"),
            Authentication::Trust => String::new(),
        };
        let mode = match self.options.encryption {
            Encryption::Required => "?sslmode=require",
            Encryption::Off => "",
        };
        format!(
            "postgres://{USER}{password}@127.0.0.1:{}/{database}{mode}",
            self.port
        )
    }

    /// Returns the certificate file of a server with [`Encryption::Required`], for `sslrootcert`.
    pub fn certificate(&self) -> PathBuf {
        self.folder.certificate()
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) {
        self.psql(
            "postgres",
            &format!("CREATE DATABASE \"{name}\" TEMPLATE template0"),
        );
    }

    /// Runs SQL and returns its rows, unaligned, fields separated by `|`; panics if it fails.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        programs::psql(&self.url(database), sql)
    }

    /// Dumps the whole database as SQL.
    pub fn pg_dump(&self, database: &str) -> String {
        let url = self.url(database);
        run(
            programs::command("pg_dump").args(["--no-owner", "--dbname", &url]),
            "",
        )
    }

    /// Restores a dump into an empty database.
    pub fn restore(&self, database: &str, dump: &str) {
        self.psql(database, dump);
    }

    /// Kills the server and all its backends (`kill -9`); clients see the same as in a power failure.
    pub fn kill(&mut self) {
        self.running().kill();
        self.server = None;
    }

    /// Starts on the same data and the same port as before.
    pub fn restart(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let mut command = self.folder.command("postgres");
        command
            .arg("-D")
            .arg(self.folder.data())
            .args(["-p", &self.port.to_string()]);
        let mut server = ChildProcess::spawn(&mut command, &self.folder.log());
        let mut is_ready = programs::command("pg_isready");
        is_ready.args([
            "--quiet",
            "--host",
            "127.0.0.1",
            "--port",
            &self.port.to_string(),
        ]);
        // pg_isready also succeeds if the server refuses unencrypted connections, because it responds.
        server.wait_until_ready(START_BOUND, || {
            is_ready.status().is_ok_and(|status| status.success())
        });
        self.server = Some(server);
    }

    /// Pauses the server and its backends: connections stay open, but nothing is answered.
    pub fn pause(&mut self) {
        self.running().pause();
    }

    /// Resumes after [`Postgres::pause`].
    pub fn resume(&mut self) {
        self.running().resume();
    }

    fn running(&mut self) -> &mut ChildProcess {
        self.server.as_mut().expect("the server runs")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Must happen before the folder is removed. A server that ends its own backends leaves no orphaned processes.
        if let Some(server) = &mut self.server {
            server.resume();
            server.end_with(libc::SIGQUIT, Duration::from_secs(5));
        }
        self.server = None;
    }
}
