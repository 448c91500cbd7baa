//! `doorward keys …`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::base::ids::SigningKeyId;
use crate::base::secrets::MasterKey;
use crate::clients::Algorithm;
use crate::history::Author;
use crate::tokens::keys::{Compromised, KeyView};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a new master key.
    GenerateMaster {
        /// Write it to this new file, for its owner alone (mode 0600), instead of standard output.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List the signing keys.
    List,
    /// Publish the next signing key; it signs once services had time to fetch it.
    Rotate {
        /// Only of this algorithm: `RS256`, `ES256` or `EdDSA`.
        #[arg(long, value_name = "ALG", value_parser = algorithm())]
        algorithm: Option<Algorithm>,
        /// Refuse at once everything under this key, or without a KID under every one there is; a new one signs at once.
        #[arg(long, value_name = "KID", num_args = 0..=1)]
        compromised: Option<Option<SigningKeyId>>,
    },
    /// Seal the signing keys and the audit log's under the present master key: after every instance was moved to it, and before
    /// `secrets.previous_master_key_file` is taken away.
    Rewrap,
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::as_str))
        .try_map(|text| Algorithm::parse(&text).ok_or("no such algorithm"))
}

/// Needs no configuration.
pub(super) fn generate_master(file: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let key = MasterKey::generate();
    let Some(path) = file else {
        let key = key.to_text();
        let key = key.trim();
        output.show(&json!({ "master_key": key }), key);
        return Ok(());
    };
    key.write_new(path)
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let path = path.display().to_string();
    output.show(&json!({ "file": path }), &path);
    Ok(())
}

impl Keys {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let author = Author::command();
        match self {
            Self::GenerateMaster { file } => generate_master(file.as_deref(), output)?,
            Self::List => show(&app.keyring.list().await?, output),
            Self::Rotate {
                algorithm,
                compromised: None,
            } => show(&app.keyring.rotate(algorithm, author).await?, output),
            Self::Rotate {
                algorithm,
                compromised: Some(key),
            } => {
                let which = key.map_or(Compromised::All(algorithm), Compromised::Key);
                let done = app.keyring.compromise(which, author).await?;
                show(&[done.refused, done.made].concat(), output);
            }
            Self::Rewrap => {
                let rewrapped = app.keyring.rewrap(author).await?;
                let chain = app.seal.rewrap().await?;
                let of_the_seal = if chain {
                    ", and that of the audit log's seal"
                } else {
                    ""
                };
                let text = format!("{rewrapped} signing keys rewrapped{of_the_seal}");
                let document = json!({ "rewrapped": rewrapped, "audit_seal": chain });
                output.show(&document, &text);
            }
        }
        Ok(())
    }
}

fn show(keys: &[KeyView], output: &Output) {
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let end = key.retires_at.map(|at| at.to_rfc3339());
            vec![
                key.kid.to_string(),
                key.algorithm.as_str().to_owned(),
                key.state.as_str().to_owned(),
                key.signs_from.to_rfc3339(),
                end.unwrap_or_default(),
            ]
        })
        .collect();
    let heading = ["ID", "ALGORITHM", "STATE", "SIGNS FROM", "RETIRES"];
    output.table(&json!({ "items": keys }), &heading, &rows);
}
