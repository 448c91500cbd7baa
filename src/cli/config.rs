//! `doorward config …`.

use std::path::Path;

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::base::config::{Config, ConfigError, DEFAULT};
use crate::forward_auth::routes::RouteTable;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Report all faults in the configuration; exits with 6 if there are any. Warns about routes that no request reaches.
    Check,
    /// Print all keys with their defaults and descriptions.
    Default,
}

impl ConfigCommand {
    pub(super) fn run(self, file: Option<&Path>, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Check => {
                let fault = |error: ConfigError| Failure::Configuration(error.to_string());
                let config = Config::load(file).map_err(fault)?;
                let routes = RouteTable::parse(&config.access.routes, &config.server.public_url)
                    .map_err(fault)?;
                let shadowed = routes.shadowed();
                let exposed = config.exposed_secret_files();
                let warnings: Vec<String> = exposed
                    .iter()
                    .map(|fault| format!("{}: {}", fault.key, fault.reason))
                    .chain(shadowed.iter().map(ToString::to_string))
                    .collect();
                for warning in &warnings {
                    Output::warn(warning);
                }
                let document = json!({ "ok": true, "warnings": warnings });
                output.show(&document, "the configuration is valid");
            }
            Self::Default => output.show(&json!({ "default": DEFAULT }), DEFAULT.trim_end()),
        }
        Ok(())
    }
}
