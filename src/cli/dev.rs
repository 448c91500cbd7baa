//! `doorward dev …`: what developers need to measure Doorward, and nobody else.

mod population;
mod seed;

use clap::Subcommand;

use super::Failure;
use super::output::Output;
use crate::app::App;

#[derive(Debug, Subcommand)]
pub(super) enum Dev {
    /// Fill an empty installation with made-up people, their passkeys and grants.
    Seed(seed::Seed),
}

impl Dev {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Seed(command) => command.run(app, output).await,
        }
    }
}
