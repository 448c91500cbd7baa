//! Checks that a command runs against an existing installation.

use std::path::Path;

use super::Failure;
use crate::app::find_missing_database;
use crate::base::clock::Clock;
use crate::base::config::Config;

/// Requires that the database exists. `file` is the configuration file.
pub(super) async fn require(config: &Config, file: Option<&Path>) -> Result<(), Failure> {
    let Some(missing) = find_missing_database(config, &Clock::system()).await? else {
        return Ok(());
    };
    let read = match file {
        Some(file) => {
            let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
            format!("The configuration was read from {}.", path.display())
        }
        None => "No configuration file was read (--config FILE, DOORWARD_CONFIG), only DOORWARD__ variables."
            .to_owned(),
    };
    let advice = if config.database.url.is_some() {
        "Run the command with the configuration of the service; `doorward serve` fills an empty database."
            .to_owned()
    } else {
        let folder = std::env::current_dir().unwrap_or_default();
        format!(
            "Relative paths start at the current folder, {}. Run the command in the folder and with the configuration of the \
             service. To create a new database, run `doorward serve`.",
            folder.display()
        )
    };
    Err(Failure::Configuration(format!(
        "{missing}. {read} {advice}"
    )))
}
