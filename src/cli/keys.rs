//! `doorward keys …`.

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::base::secrets::MasterKey;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Print a new master key; keep it in a file that only Doorward may read.
    GenerateMaster,
}

impl Keys {
    #[expect(clippy::unnecessary_wraps, reason = "commands share one shape")]
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        match self {
            Self::GenerateMaster => {
                let key = MasterKey::generate().to_text();
                let key = key.trim();
                output.show(&json!({ "master_key": key }), key);
            }
        }
        Ok(())
    }
}
