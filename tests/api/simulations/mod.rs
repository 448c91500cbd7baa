//! Programs that use OpenID Connect or OAuth, one row each.
//!
//! A row registers its client with `doorward client create` and that command's defaults, and then sends the program's requests
//! and reads the responses as the program does: a simulation, written from the program's source or documentation. The guide
//! `docs/guides/compatibility.md` is generated from the same rows (`tests/guides/mod.rs`).
//!
//! To add a program, add a row to its family's file; to name a test that runs the program itself, set `real_program_test`.

mod app;
mod applications;
mod go;
mod java;
mod javascript;
mod other;
mod program_session;
mod proxies;
mod python;
mod requests;
mod service;
mod services;
mod verify;

use std::process::Command;

use doorward::clients::Preset;
use serde_json::Value;

use crate::support::binary;
use crate::support::test_server::TestServer;

pub use app::{App, SignOut};
pub use service::Service;

/// A program, its registration, and its requests.
pub struct Program {
    /// Name of the program.
    pub name: &'static str,
    /// What works with these settings, in a few words for the guide.
    pub summary: &'static str,
    /// Registration of the program's client.
    pub client: Client,
    /// Settings to enter in the program, if no preset contains them.
    pub settings: Settings,
    /// Name of the test that runs the program itself, for example `e2e::relying_parties::services::authlib`.
    pub real_program_test: Option<&'static str>,
    /// What the program does; `None` if only the test in `real_program_test` covers it.
    pub behavior: Option<Behavior>,
}

/// Registration of a program's client.
pub enum Client {
    /// `doorward client create NAME --for PRESET --url https://app.example.com`
    For(&'static str),
    /// `doorward client create NAME` with these arguments.
    With(&'static [&'static str]),
    /// No client, because the program only verifies tokens.
    None,
    /// No client here: a guide describes the set-up.
    Guide(&'static str),
}

/// Settings of a program: the file or page, and its lines. The guide's values are `https://id.example.com` for Doorward, and
/// `CLIENT_ID` and `CLIENT_SECRET`.
pub struct Settings {
    /// File or page in which the settings are entered.
    pub file: &'static str,
    /// Lines to enter.
    pub lines: &'static [&'static str],
}

/// Settings that are in a preset or a guide instead.
pub const SETTINGS_IN_PRESET: Settings = Settings {
    file: "",
    lines: &[],
};

/// What a program does with Doorward.
pub enum Behavior {
    /// Signs users in.
    SignsIn(App),
    /// Accepts access tokens from apps.
    TakesTokens(Service),
}

/// A table of the guide.
pub struct ProgramGroup {
    /// Heading of the table.
    pub title: &'static str,
    /// Introduction for its readers.
    pub about: &'static str,
    /// Each program, with the path of the module that tests its simulation.
    pub rows: &'static [(&'static str, Program)],
}

/// Returns all tables, in the order of the guide.
pub fn program_groups() -> Vec<&'static ProgramGroup> {
    vec![
        &javascript::GROUP,
        &python::GROUP,
        &go::GROUP,
        &java::GROUP,
        &other::GROUP,
        &applications::GROUP,
        &services::GROUP,
        &proxies::GROUP,
    ]
}

/// Declares the programs of a family. Each gets a test with both kinds of stores, named like the row.
macro_rules! programs {
    ($title:literal, $about:literal; $($key:ident: $program:expr;)+) => {
        pub static GROUP: $crate::api::simulations::ProgramGroup = $crate::api::simulations::ProgramGroup {
            title: $title,
            about: $about,
            rows: &[$((concat!(module_path!(), "::", stringify!($key)), $program)),+],
        };

        $crate::on_both! {
            $(fn $key(server) {
                $crate::api::simulations::simulate(server, &GROUP, stringify!($key));
            })+
        }
    };
}
use programs;

/// Runs the simulation of a row.
pub fn simulate(server: &TestServer, group: &ProgramGroup, key: &str) {
    let is_it = |path: &str| path.rsplit("::").next() == Some(key);
    let mut rows = group.rows.iter();
    let (_, program) = rows.find(|(path, _)| is_it(path)).expect("a row");
    match &program.behavior {
        Some(Behavior::SignsIn(app)) => program_session::run(server, program, app),
        Some(Behavior::TakesTokens(service)) => service::run(server, program, service),
        None => panic!("{}: a row with a test does something", program.name),
    }
}

impl Program {
    /// Returns the arguments of `doorward` that register the client; empty for a program without one.
    pub fn arguments(&self) -> Vec<&'static str> {
        let own = match self.client {
            Client::For(key) => {
                let preset = Preset::find(key).expect("a preset");
                let needs_url = preset.to_change(None).is_err();
                let url: &[&str] = if needs_url { &["--url", URL] } else { &[] };
                [&["--for", key], url].concat()
            }
            Client::With(arguments) => arguments.to_vec(),
            Client::Guide(_) | Client::None => return Vec::new(),
        };
        [&["client", "create", self.name], &own[..]].concat()
    }

    /// Registers the client by the command, and returns the command's output.
    fn register(&self, server: &TestServer) -> Value {
        create(server, &self.arguments())
    }
}

/// Origin of every program.
pub const URL: &str = "https://app.example.com";

/// Runs a command that creates something, and returns its output.
fn create(server: &TestServer, arguments: &[&str]) -> Value {
    let ran = binary::run(&server.config, &[arguments, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.errors);
    ran.json()
}

/// Returns the names of all tests of this binary.
fn tests() -> Vec<String> {
    let this = std::env::current_exe().expect("this binary");
    let listed = Command::new(this)
        .args(["--list", "--format", "terse"])
        .output();
    let listed = String::from_utf8(listed.expect("a list").stdout).expect("text");
    let names = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

/// Returns the path of a test within this binary, without the name of the crate.
pub fn within_crate(path: &str) -> &str {
    path.split_once("::").map_or(path, |(_, rest)| rest)
}

#[test]
fn every_program_has_a_test_and_every_test_a_program() {
    let tests = tests();
    let mut simulated = Vec::new();
    for (path, program) in program_groups().into_iter().flat_map(|group| group.rows) {
        let path = within_crate(path);
        if program.behavior.is_some() {
            for back_end in ["embedded", "clustered"] {
                let test = format!("{path}::{back_end}");
                assert!(tests.contains(&test), "{}: no test {test}", program.name);
                simulated.push(test);
            }
        }
        if let Some(real_program_test) = program.real_program_test {
            let within = format!("{real_program_test}::");
            let is_it = |test: &String| test == real_program_test || test.starts_with(&within);
            assert!(
                tests.iter().any(is_it),
                "{}: no {real_program_test}",
                program.name
            );
        }
        assert!(
            program.behavior.is_some() || program.real_program_test.is_some(),
            "{}: no test",
            program.name
        );
    }
    let ours = within_crate(module_path!());
    let of_rows = |test: &&String| {
        let rest = test.strip_prefix(&format!("{ours}::"));
        rest.is_some_and(|rest| rest.ends_with("::embedded") || rest.ends_with("::clustered"))
    };
    for test in tests.iter().filter(of_rows) {
        assert!(simulated.contains(test), "{test} belongs to no row");
    }
}
