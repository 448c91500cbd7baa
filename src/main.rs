//! Entry point of the `doorward` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    doorward::cli::run()
}
