//! A PostgreSQL server of a test's own, to be killed, held still, restarted, dumped and restored.

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
/// Generous, for a machine that is busy with twenty other tests.
const START_BOUND: Duration = Duration::from_secs(60);

/// A running server on 127.0.0.1, in a folder that goes away with this value.
pub struct Postgres {
    options: PostgresOptions,
    folder: ServerFolder,
    port: u16,
    server: Option<ChildProcess>,
}

impl Postgres {
    /// Makes a new data folder and starts a server on it; returns when it answers.
    pub fn start(options: PostgresOptions) -> Self {
        let folder = ServerFolder::create(&options, USER, PASSWORD);
        let mut postgres = Self {
            options,
            folder,
            port: free_port(),
            server: None,
        };
        postgres.start_again();
        postgres
    }

    /// The server that `scripts/test` started for all tests.
    pub fn shared() -> SharedPostgres {
        SharedPostgres::from_environment()
    }

    /// The URL of a database of this server.
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

    /// The certificate file of a server with [`Encryption::Required`], for `sslrootcert`.
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

    /// Runs SQL and returns its rows, unaligned, fields separated by `|`; panics when it fails.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        programs::psql(&self.url(database), sql)
    }

    /// The whole database as SQL.
    pub fn pg_dump(&self, database: &str) -> String {
        let url = self.url(database);
        run(
            programs::command("pg_dump").args(["--no-owner", "--dbname", &url]),
            "",
        )
    }

    /// Runs a dump in a database, which is empty so far.
    pub fn restore(&self, database: &str, dump: &str) {
        self.psql(database, dump);
    }

    /// `kill -9` of the server with all its backends: a power cut as the clients see it.
    pub fn kill(&mut self) {
        self.running().kill();
        self.server = None;
    }

    /// Starts on the same data and the same port as before.
    pub fn start_again(&mut self) {
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
        // pg_isready is content with a server that refuses plain connections: it answers.
        server.wait_until_ready(START_BOUND, || {
            is_ready.status().is_ok_and(|status| status.success())
        });
        self.server = Some(server);
    }

    /// Holds the server and its backends still: connections stay open, nothing is answered.
    pub fn pause(&mut self) {
        self.running().pause();
    }

    /// Goes on after [`Postgres::pause`].
    pub fn resume(&mut self) {
        self.running().resume();
    }

    fn running(&mut self) -> &mut ChildProcess {
        self.server.as_mut().expect("the server runs")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Before the folder goes. A server that ends its own backends leaves no orphans to the init process.
        if let Some(server) = &mut self.server {
            server.resume();
            server.end_with(libc::SIGQUIT, Duration::from_secs(5));
        }
        self.server = None;
    }
}
