//! Configuration from environment variables: `DOORWARD__SECTION__KEY`. Values are plain text; only lists are parsed as TOML.

use std::ffi::{OsStr, OsString};

use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::ConfigFault;

const PREFIX: &str = "DOORWARD__";
const SEPARATOR: &str = "__";

/// Sets the values of `variables` in `given`. `known` holds the default of every key: a key whose default is a list takes a TOML
/// list, every other key takes the text without surrounding white space.
pub(super) fn merge(
    given: &mut Dict,
    known: &Dict,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<ConfigFault> {
    let mut faults = Vec::new();
    for (name, value) in variables {
        let Some(rest) = name.to_str().and_then(without_prefix) else {
            continue;
        };
        let Some((section, key)) = rest.split_once(SEPARATOR) else {
            faults.push(ConfigFault {
                key: name.to_string_lossy().into_owned(),
                reason: format!("must name a section and a key: {PREFIX}SECTION{SEPARATOR}KEY"),
            });
            continue;
        };
        let holds_list = matches!(find(known, section, key), Some(Value::Array(..)));
        match parse_value(&value, holds_list) {
            Ok(value) => insert(given, section, key, value),
            Err(reason) => faults.push(ConfigFault {
                key: format!("{section}.{key}"),
                reason,
            }),
        }
    }
    faults
}

/// `DOORWARD__LOG__LEVEL` → `log__level`.
fn without_prefix(name: &str) -> Option<String> {
    let (prefix, rest) = name.split_at_checked(PREFIX.len())?;
    let is_own = prefix.eq_ignore_ascii_case(PREFIX);
    is_own.then(|| rest.to_ascii_lowercase())
}

/// Returns the name of a key's variable. A list is held by one variable.
pub(super) fn name(path: &[String]) -> String {
    let parts: Vec<String> = path
        .iter()
        .take(2)
        .map(|part| part.to_ascii_uppercase())
        .collect();
    format!("{PREFIX}{}", parts.join(SEPARATOR))
}

fn find<'a>(known: &'a Dict, section: &str, key: &str) -> Option<&'a Value> {
    match known.get(section) {
        Some(Value::Dict(_, keys)) => keys.get(key),
        _ => None,
    }
}

fn parse_value(value: &OsStr, holds_list: bool) -> Result<Value, String> {
    let text = value.to_str().ok_or("must be text in UTF-8")?.trim();
    if holds_list {
        parse_list(text)
    } else {
        Ok(Value::from(text))
    }
}

fn parse_list(text: &str) -> Result<Value, String> {
    const SHAPE: &str = "must be a list as in TOML, such as [\"one\", \"two\"]";
    // A line break in the value could add another key to the document that is parsed.
    let document = Toml::string(&format!("list = {text}"));
    let mut parsed = Figment::from(document)
        .extract::<Dict>()
        .map_err(|fault| format!("{SHAPE}: {}", fault.kind))?;
    match (parsed.remove("list"), parsed.is_empty()) {
        (Some(list @ Value::Array(..)), true) => Ok(list),
        _ => Err(SHAPE.into()),
    }
}

fn insert(given: &mut Dict, section: &str, key: &str, value: Value) {
    let keys = given
        .entry(section.to_owned())
        .or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, keys) = keys {
        keys.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;
    use std::time::Duration;

    use crate::base::config::read::load;
    use crate::base::config::{Config, ConfigError};

    use super::*;

    fn load_with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let named = |(name, value): &(&str, &str)| (name.into(), value.into());
        load(None, variables.iter().map(named))
    }

    fn faults(variables: &[(&str, &str)]) -> String {
        load_with(variables)
            .expect_err(&format!("{variables:?}"))
            .to_string()
    }

    #[test]
    fn text_is_not_converted() {
        for text in [
            "007",
            "1.10",
            "1e3",
            "true",
            "-0",
            "+5",
            "18446744073709551616",
            "\"quoted\"",
            "'q'",
            "\\t",
            "[brackets]",
            "{ a = 1 }",
            "a, b",
            "a = \"b\" # c",
            "",
            "Tür 7",
        ] {
            let config = load_with(&[("DOORWARD__PASSKEYS__RP_NAME", text)]).expect(text);
            assert_eq!(config.passkeys.rp_name, text);
        }
        let padded = load_with(&[("DOORWARD__PASSKEYS__RP_NAME", "  007\n")]).expect("a name");
        assert_eq!(padded.passkeys.rp_name, "007");
        let path = load_with(&[("DOORWARD__SERVER__DATA_DIR", "007.0")]).expect("a path");
        assert_eq!(path.server.data_dir.to_str(), Some("007.0"));
    }

    #[test]
    fn every_other_kind_of_value_is_parsed_from_its_text() {
        let config = load_with(&[
            ("DOORWARD__DATABASE__POOL_SIZE", "12"),
            ("DOORWARD__LOG__CONSOLE", "false"),
            ("DOORWARD__TOKENS__ACCESS_LIFETIME", "90s"),
            ("DOORWARD__LOG__FORMAT", "json"),
            (
                "DOORWARD__SERVER__TRUSTED_PROXIES",
                "[\"10.0.0.0/8\",\n '::1']",
            ),
            ("doorward__server__workers", " 3 "),
            (
                "DOORWARD__ACCESS__ROUTE",
                "[{ host = \"007\", path = \"/\", action = \"view\", jwt = true, resource = { type = \"t\", id = \"1.10\" } }]",
            ),
            ("UNRELATED__KEY", "1"),
        ])
        .expect("good");
        assert_eq!((config.database.pool_size, config.server.workers), (12, 3));
        assert!(!config.log.console);
        assert_eq!(config.tokens.access_lifetime, Duration::from_secs(90));
        assert_eq!(config.server.trusted_proxies.len(), 2);
        let route = config.access.routes.first().expect("a route");
        assert_eq!((route.host.as_str(), route.jwt), ("007", true));
        assert_eq!(route.resource.id, "1.10");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_its_key() {
        for (name, value, key) in [
            ("DATABASE__POOL_SIZE", "1.5", "database.pool_size"),
            ("DATABASE__POOL_SIZE", "\"8\"", "database.pool_size"),
            ("LOG__CONSOLE", "yes", "log.console"),
            ("TOKENS__ACCESS_LIFETIME", "300", "tokens.access_lifetime"),
            (
                "SERVER__TRUSTED_PROXIES",
                "10.0.0.1",
                "server.trusted_proxies",
            ),
            (
                "SERVER__TRUSTED_PROXIES",
                "[10.0.0.1]",
                "server.trusted_proxies",
            ),
            ("SERVER__TRUSTED_PROXIES", "[10]", "server.trusted_proxies"),
            (
                "SERVER__TRUSTED_PROXIES",
                "[]\nmore = 1",
                "server.trusted_proxies",
            ),
            ("SERVER__TRUSTED_PROXIES", "", "server.trusted_proxies"),
            ("SERVER__LISTEN__PORT", "1", "server.listen__port"),
            ("SERVER", "1", "DOORWARD__SERVER: must name a section"),
            ("", "1", "DOORWARD__: must name a section"),
            ("__LEVEL", "1", "unknown key"),
        ] {
            let name = format!("DOORWARD__{name}");
            let text = faults(&[(&name, value)]);
            assert!(text.contains(key), "{name}={value}: {text}");
        }
        let quoted = faults(&[("DOORWARD__SERVER__PUBLIC_URL", "\"https://id.example.com\"")]);
        assert!(quoted.contains("server.public_url"), "{quoted}");
        let mangled = OsString::from_vec(vec![b'a', 0xff]);
        let variable = ("DOORWARD__PASSKEYS__RP_NAME".into(), mangled);
        let fault = load(None, [variable]).expect_err("not UTF-8").to_string();
        assert!(fault.contains("passkeys.rp_name: must be text"), "{fault}");
    }

    #[test]
    fn text_in_a_file_needs_its_quotes() {
        let load_file = |text: &str| {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text).expect("written");
            load(Some(file.path()), [])
        };
        for bad in [
            "[passkeys]\nrp_name = 7",
            "[passkeys]\nrp_name = 1.10",
            "[passkeys]\nrp_name = true",
            "[passkeys]\nrp_name = 2026-11-30",
            "[security]\ncontact = [7]",
            "[database]\nurl_file = 7",
        ] {
            let fault = load_file(bad).expect_err(bad).to_string();
            assert!(fault.contains("must be text in quotes"), "{bad}: {fault}");
        }
        let good = load_file("[passkeys]\nrp_name = \"1.10\"\n[server]\nworkers = 2");
        let config = good.expect("good");
        assert_eq!(
            (config.passkeys.rp_name.as_str(), config.server.workers),
            ("1.10", 2)
        );
    }
}
