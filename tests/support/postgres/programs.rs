//! The programs of PostgreSQL: their paths, their system user, their output.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::process::run;

/// IDs of a system user.
#[derive(Clone, Copy)]
pub struct SystemUser {
    /// User ID.
    pub user: u32,
    /// Group ID.
    pub group: u32,
}

impl SystemUser {
    /// Returns the user `postgres` if this process is root, which the server refuses to run as; otherwise `None`.
    pub fn for_postgres() -> Option<Self> {
        let id = |arguments: &[&str]| -> u32 {
            run(Command::new("id").args(arguments), "")
                .trim()
                .parse()
                .expect("id prints a number")
        };
        (id(&["-u"]) == 0).then(|| Self {
            user: id(&["-u", "postgres"]),
            group: id(&["-g", "postgres"]),
        })
    }
}

/// Returns a program of the newest PostgreSQL in Debian's folder, or else in `PATH`.
pub fn command(program: &str) -> Command {
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path())))
        .map(|(number, folder)| (number, folder.join("bin").join(program)))
        .filter(|(_, file)| file.exists())
        .collect();
    installed.sort();
    Command::new(
        installed
            .pop()
            .map_or_else(|| PathBuf::from(program), |(_, file)| file),
    )
}

/// Runs SQL at a URL and returns its rows, unaligned, fields separated by `|`; panics if a statement fails.
pub fn psql(url: &str, sql: &str) -> String {
    let mut psql = command("psql");
    psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
    psql.args(["--set", "ON_ERROR_STOP=1", "--file", "-", "--dbname", url]);
    run(&mut psql, sql)
}
