//! Reads the configuration: merges the layers and deserializes them. Serde stops at the first mistake; [`deserialize`] explains
//! how all of them are reported.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use figment::error::Kind;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Source};
use serde::Deserialize;

use super::secret_files::SecretFile;
use super::{Config, ConfigFault, DEFAULT, environment};

const NOT_TEXT: &str = "must be text in quotes";
/// Keys that may hold a secret: `KEY_file` names a file with the value instead.
const SECRET_KEYS: [(&str, &str); 2] = [("database", "url"), ("redis", "url")];
/// Valid values for keys without a usable default. An invalid value is replaced by its default or placeholder, so that
/// deserialization continues and finds the next mistake. Never used by a running server, because a mistake makes loading fail.
const PLACEHOLDERS: &str = r#"
[server]
public_url = "http://localhost:8080"
[[access.route]]
host = ""
path = ""
methods = []
action = ""
resource = { type = "", id = "" }
sign_in = true
jwt = false
cross_origin = false
"#;

/// All faults of the configuration.
#[derive(Debug)]
pub struct ConfigError(pub Vec<ConfigFault>);

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the configuration is invalid:")?;
        for fault in &self.0 {
            write!(formatter, "\n  {}: {}", fault.key, fault.reason)?;
        }
        write!(
            formatter,
            "\n`doorward config default` prints all keys with their descriptions."
        )
    }
}

pub(super) fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Config, ConfigError> {
    let (mut faults, mut value_files) = (Vec::new(), Vec::new());
    let mut figment = Figment::from(Toml::string(DEFAULT));
    if let Some(file) = file {
        if file.is_file() {
            let own = Figment::from(Toml::file_exact(file));
            if holds_password(&own) {
                value_files.push(SecretFile {
                    key: "--config".into(),
                    path: file.to_owned(),
                });
            }
            figment = figment.merge(own);
        } else {
            faults.push(ConfigFault {
                key: "--config".into(),
                reason: format!("file {} not found", file.display()),
            });
        }
    }
    let known = Figment::from(Toml::string(DEFAULT)).merge(Toml::string(PLACEHOLDERS));
    let (known, mut merged) = match (known.extract::<Dict>(), figment.extract::<Dict>()) {
        (Ok(known), Ok(merged)) => (known, merged),
        (Err(fault), _) | (_, Err(fault)) => {
            faults.extend(fault.into_iter().map(|fault| ConfigFault {
                key: fault.path.join("."),
                reason: fault.kind.to_string(),
            }));
            return Err(ConfigError(faults));
        }
    };
    faults.extend(environment::merge(&mut merged, &known, variables));
    read_secret_files(&mut merged, &mut value_files, &mut faults);
    default_public_url(&mut merged);
    let Some(mut config) = deserialize(Value::from(merged), &known, &figment, &mut faults) else {
        return Err(ConfigError(faults));
    };
    config.secrets.value_files = value_files;
    if config.passkeys.rp_id.is_empty() {
        let host = config.server.public_url.host();
        host.clone_into(&mut config.passkeys.rp_id);
    }
    faults.extend(config.contradictions());
    if faults.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError(faults))
    }
}

/// Deserializes the configuration. On a mistake, records it, replaces its value with a valid one and starts again. Returns `None`
/// if the value can't be replaced.
fn deserialize(
    mut merged: Value,
    known: &Dict,
    figment: &Figment,
    faults: &mut Vec<ConfigFault>,
) -> Option<Config> {
    let placeholders = Value::from(known.clone());
    loop {
        let fault = match Config::deserialize(&merged) {
            Ok(config) => return Some(config),
            Err(fault) => fault,
        };
        let mut path = fault.path;
        if let Kind::MissingField(name) = &fault.kind {
            path.push(name.to_string());
        }
        // A path is section, key, index, member; deeper mistakes (in `resource`) count as one of the member.
        path.truncate(4);
        let reason = reason(&fault.kind, &path, known);
        let source = source(&merged, &path, figment);
        faults.push(ConfigFault {
            key: format_path(&path),
            reason: format!("{reason}{source}"),
        });
        replace_invalid(&mut merged, Some(&placeholders), &path)?;
    }
}

/// Formats a path as `server.listen` or `access.route[0].host`. Items of other lists are named in the reason.
fn format_path(path: &[String]) -> String {
    match path {
        [section, key, index] if key == "route" => format!("{section}.{key}[{index}]"),
        [section, key, index, of_route] => format!("{section}.{key}[{index}].{of_route}"),
        [section, key, ..] => format!("{section}.{key}"),
        path => path.concat(),
    }
}

fn reason(kind: &Kind, path: &[String], known: &Dict) -> String {
    match (path, kind) {
        ([.., key], _) if path.len() == 4 && key == "resource" => {
            "must be a table such as { type = \"order\", id = \"{id}\" }".into()
        }
        ([_, key], Kind::InvalidType(..)) if key == "route" => {
            "must be a list of tables: [[access.route]]".into()
        }
        (_, Kind::UnknownField(..)) if path.len() <= 2 => {
            match most_similar(&path.join("."), known) {
                Some(similar) => format!("unknown key; did you mean {similar}?"),
                None => "unknown key".into(),
            }
        }
        (_, Kind::UnknownField(..)) => "unknown key".into(),
        (_, Kind::MissingField(_)) => "is missing".into(),
        (_, Kind::UnknownVariant(_, known)) => format!("must be {}", known.join(" or ")),
        (_, Kind::InvalidType(_, expected)) => match expected.as_str() {
            "a string" | "path string" => NOT_TEXT.into(),
            "a boolean" => "must be true or false".into(),
            "a sequence" => "must be a list such as [\"one\", \"two\"]".into(),
            _ => "must be a table".into(),
        },
        (_, kind) => kind.to_string(),
    }
}

/// Returns where the invalid value is: in a file, or in an environment variable.
fn source(merged: &Value, path: &[String], figment: &Figment) -> String {
    let value = path.iter().try_fold(merged, |value, part| match value {
        Value::Array(_, items) => items.get(part.parse::<usize>().ok()?),
        value => value.as_dict()?.get(part),
    });
    match value.map(|value| figment.get_metadata(value.tag())) {
        Some(Some(metadata)) => match &metadata.source {
            Some(Source::File(file)) => format!(" (in {})", file.display()),
            _ => String::new(),
        },
        Some(None) => format!(" (in {})", environment::name(path)),
        None => String::new(),
    }
}

/// Replaces a value with its placeholder, or removes it if there is none. Returns `None` if there is no such value.
fn replace_invalid(merged: &mut Value, placeholder: Option<&Value>, path: &[String]) -> Option<()> {
    let (part, rest) = path.split_first()?;
    match merged {
        Value::Dict(_, keys) => {
            let placeholder = placeholder.and_then(|value| value.as_dict()?.get(part));
            if !rest.is_empty() {
                return replace_invalid(keys.get_mut(part)?, placeholder, rest);
            }
            match placeholder {
                Some(placeholder) => drop(keys.insert(part.clone(), placeholder.clone())),
                None => drop(keys.remove(part)?),
            }
        }
        Value::Array(_, items) => {
            let placeholder = placeholder.and_then(|value| value.as_array()?.first());
            let index = part.parse::<usize>().ok()?;
            let item = items.get_mut(index)?;
            if !rest.is_empty() {
                return replace_invalid(item, placeholder, rest);
            }
            match placeholder {
                Some(placeholder) => *item = placeholder.clone(),
                None => drop(items.remove(index)),
            }
        }
        _ => return None,
    }
    Some(())
}

/// Returns the known key that the unknown one is most likely a misspelling of: the same name in another section, or
/// a similar name.
fn most_similar(unknown: &str, known: &Dict) -> Option<String> {
    let all = known.iter().flat_map(|(section, keys)| {
        let keys = keys.as_dict().into_iter().flat_map(Dict::keys);
        let keys = keys.map(move |key| format!("{section}.{key}"));
        keys.chain(std::iter::once(section.clone()))
    });
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let similarity = |key: &str| {
        if name(key) == name(unknown) {
            1.0
        } else {
            strsim::jaro_winkler(key, unknown)
        }
    };
    all.map(|key| (similarity(&key), key))
        .filter(|(similarity, _)| *similarity >= 0.9)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, key)| key)
}

/// Whether one of the keys that may hold a secret is a URL with a password.
fn holds_password(figment: &Figment) -> bool {
    SECRET_KEYS.iter().any(|(section, key)| {
        let text = figment.extract_inner::<String>(&format!("{section}.{key}"));
        let url = text.ok().and_then(|text| url::Url::parse(&text).ok());
        url.is_some_and(|url| url.password().is_some())
    })
}

fn read_secret_files(
    merged: &mut Dict,
    files: &mut Vec<SecretFile>,
    faults: &mut Vec<ConfigFault>,
) {
    for (section, key) in SECRET_KEYS {
        let file_key = format!("{key}_file");
        let Some(Value::Dict(_, keys)) = merged.get_mut(section) else {
            continue;
        };
        let Some(named) = keys.remove(&file_key) else {
            continue;
        };
        let text = match named.as_str() {
            Some(path) => std::fs::read_to_string(path).map_err(|cause| format!("{path}: {cause}")),
            None => Err(NOT_TEXT.into()),
        };
        let file_key = format!("{section}.{file_key}");
        match text {
            Ok(text) => {
                keys.insert(key.to_owned(), Value::from(text.trim()));
                files.push(SecretFile {
                    key: file_key,
                    path: named.as_str().unwrap_or_default().into(),
                });
            }
            Err(reason) => faults.push(ConfigFault {
                key: file_key,
                reason,
            }),
        }
    }
}

/// Sets the default public URL: localhost with the port of `server.listen`.
fn default_public_url(merged: &mut Dict) {
    let Some(Value::Dict(_, server)) = merged.get_mut("server") else {
        return;
    };
    if server.get("public_url").and_then(Value::as_str) == Some("") {
        let listen = server.get("listen").and_then(Value::as_str);
        let listen = listen.and_then(|text| text.parse::<SocketAddr>().ok());
        let port = listen.map_or(8080, |address| address.port());
        let url = format!("http://localhost:{port}");
        server.insert("public_url".into(), Value::from(url));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_wrong_key_is_reported_once_with_its_file() {
        let known = Figment::from(Toml::string(DEFAULT)).extract::<Dict>();
        let (mut lines, mut expected) = (Vec::new(), BTreeSet::new());
        for (section, keys) in known.expect("the defaults") {
            lines.push(format!("[{section}]"));
            for key in keys.as_dict().expect("a section").keys() {
                lines.push(format!("{key} = {{}}"));
                expected.insert(format!("{section}.{key}"));
            }
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), lines.join("\n")).expect("written");
        let ConfigError(faults) = load(Some(file.path()), []).expect_err("nothing is right");
        let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys.len(), expected.len(), "{keys:?}");
        assert_eq!(
            keys.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
            expected
        );
        let source = format!(" (in {})", file.path().display());
        for fault in faults {
            assert!(
                fault.reason.ends_with(&source),
                "{}: {}",
                fault.key,
                fault.reason
            );
        }
    }

    #[test]
    fn an_error_in_the_environment_names_its_variable() {
        let variables = [
            ("DOORWARD__LOG__CONSOLE", "yes"),
            (
                "DOORWARD__SERVER__TRUSTED_PROXIES",
                "['10.0.0.0/99', '::1', 'proxy']",
            ),
        ];
        let named = variables.map(|(name, value)| (name.into(), value.into()));
        let told = load(None, named).expect_err("three mistakes").to_string();
        for expected in [
            "log.console: must be true or false (in DOORWARD__LOG__CONSOLE)",
            "\"10.0.0.0/99\" must have a prefix length of 0 to 32 (in DOORWARD__SERVER__TRUSTED_PROXIES)",
            "\"proxy\" is not an address or network (in DOORWARD__SERVER__TRUSTED_PROXIES)",
        ] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }
}
