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
use crate::tokens::keys::{CompromisedKeys, KeyView};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Create a master key.
    GenerateMaster {
        /// Write the key to this new file (mode 0600) instead of standard output.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List the signing keys.
    List,
    /// Create and publish the next signing key. It signs once services have had time to fetch it.
    Rotate {
        /// Only this algorithm: `RS256`, `ES256` or `EdDSA`.
        #[arg(long, value_name = "ALG", value_parser = algorithm())]
        algorithm: Option<Algorithm>,
        /// Reject everything signed by this key immediately, or by all keys if no KID is given. A new key signs immediately.
        #[arg(long, value_name = "KID", num_args = 0..=1)]
        compromised: Option<Option<SigningKeyId>>,
    },
    /// Re-encrypt the signing keys and the audit log's seal key with the current master key. Run it after every instance uses the
    /// new key, and before you remove `secrets.previous_master_key_file`.
    Rewrap,
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::as_str))
        .try_map(|text| Algorithm::parse(&text).ok_or("must be RS256, ES256 or EdDSA"))
}

/// Generates a master key; needs no configuration.
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
                let which = key.map_or(CompromisedKeys::All(algorithm), CompromisedKeys::Key);
                let done = app.keyring.compromise(which, author).await?;
                show(&[done.refused, done.created].concat(), output);
            }
            Self::Rewrap => {
                let rewrapped = app.keyring.rewrap(author).await?;
                let chain = app.audit_chain.rewrap().await?;
                let secrets = app.clients.rewrap_secrets().await?;
                let of_the_seal = if chain {
                    ", and the audit log's seal key"
                } else {
                    ""
                };
                let text = format!(
                    "{rewrapped} signing keys and {secrets} client secrets re-encrypted{of_the_seal}"
                );
                let document = json!({
                    "rewrapped": rewrapped, "client_secrets": secrets, "audit_seal": chain,
                });
                output.show(&document, &text);
            }
        }
        Ok(())
    }
}

fn show(keys: &[KeyView], output: &Output) {
    let heading = ["ID", "ALGORITHM", "STATE", "SIGNS FROM", "RETIRES"];
    output.list(keys, heading, |key| {
        let end = key.retires_at.map(|at| at.to_rfc3339());
        [
            key.kid.to_string(),
            key.algorithm.as_str().to_owned(),
            key.state.as_str().to_owned(),
            key.signs_from.to_rfc3339(),
            end.unwrap_or_default(),
        ]
    });
}
