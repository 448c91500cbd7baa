//! Reads a chosen client secret from a file or standard input, because arguments are visible in the process list.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use crate::cli::Failure;
use crate::clients::TypedSecret;

/// Maximum number of bytes to read; a secret has at most 256 characters.
const MAX_BYTES: u64 = 1_024;

#[derive(Debug, Args)]
pub(in crate::cli) struct ChosenSecret {
    /// File with the secret to use instead of a random one: a single line of 32 to 256 characters, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Returns the chosen secret; `None` without `--secret-file`.
pub(super) fn read_secret(chosen: ChosenSecret) -> Result<Option<TypedSecret>, Failure> {
    let Some(file) = chosen.secret_file else {
        return Ok(None);
    };
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().take(MAX_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(&file).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::Refused(format!("{}: {error}", file.display())))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Ok(Some(line.to_owned().into()))
}
