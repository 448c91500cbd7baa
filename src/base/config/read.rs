//! Reading: the layers are merged, then every key is parsed; faults are collected, not thrown.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::secret_files::SecretFile;
use super::values::{LogFormat, Origin, Rotation, SubjectId, parse_duration};
use super::{Config, DEFAULT, environment};

const NOT_TEXT: &str = "must be text in quotes";
/// Keys that may hold a secret: `…_file` names a file with the value instead.
const SECRET_KEYS: [(&str, &str); 2] = [("database", "url"), ("redis", "url")];

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `section.key`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// Everything wrong with the configuration.
#[derive(Debug)]
pub struct ConfigError(pub Vec<Fault>);

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the configuration can't be used:")?;
        for fault in &self.0 {
            write!(formatter, "\n  {}: {}", fault.key, fault.reason)?;
        }
        write!(
            formatter,
            "\n`doorward config default` prints every key with its meaning."
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
            faults.push(Fault {
                key: "--config".into(),
                reason: format!("there is no file {}", file.display()),
            });
        }
    }
    let known = Figment::from(Toml::string(DEFAULT)).extract::<Dict>();
    let (known, mut given) = match (known, figment.extract::<Dict>()) {
        (Ok(known), Ok(given)) => (known, given),
        (Err(fault), _) | (_, Err(fault)) => {
            faults.extend(fault.into_iter().map(|fault| Fault {
                key: fault.path.join("."),
                reason: fault.kind.to_string(),
            }));
            return Err(ConfigError(faults));
        }
    };
    faults.extend(environment::merge(&mut given, &known, variables));
    let mut reader = Reader {
        given,
        faults,
        value_files,
    };
    reader.read_secret_files();
    reader.refuse_unknown(&known);
    let config = reader.config();
    reader.check(&config);
    if reader.faults.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError(reader.faults))
    }
}

/// The known key that an unknown one is most likely a misspelling of: the same name in another section, or one with few different
/// letters.
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

/// Whether one of the keys that may hold a secret is an address with a password.
fn holds_password(figment: &Figment) -> bool {
    SECRET_KEYS.iter().any(|(section, key)| {
        let text = figment.extract_inner::<String>(&format!("{section}.{key}"));
        let url = text.ok().and_then(|text| url::Url::parse(&text).ok());
        url.is_some_and(|url| url.password().is_some())
    })
}

pub(super) struct Reader {
    given: Dict,
    faults: Vec<Fault>,
    /// The files that secrets were read from.
    value_files: Vec<SecretFile>,
}

impl Reader {
    fn read_secret_files(&mut self) {
        for (section, key) in SECRET_KEYS {
            let file_key = format!("{key}_file");
            let Some(Value::Dict(_, keys)) = self.given.get_mut(section) else {
                continue;
            };
            let Some(named) = keys.remove(&file_key) else {
                continue;
            };
            let Some(path) = as_text(&named) else {
                self.fault(section, &file_key, NOT_TEXT.into());
                continue;
            };
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    keys.insert(key.to_owned(), Value::from(text.trim().to_owned()));
                    self.value_files.push(SecretFile {
                        key: format!("{section}.{file_key}"),
                        path: path.into(),
                    });
                }
                Err(cause) => self.fault(section, &file_key, format!("{path}: {cause}")),
            }
        }
    }

    fn refuse_unknown(&mut self, known: &Dict) {
        let mut unknown = Vec::new();
        for (section, keys) in &self.given {
            match (known.get(section), keys) {
                (Some(Value::Dict(_, known)), Value::Dict(_, keys)) => unknown.extend(
                    keys.keys()
                        .filter(|key| !known.contains_key(*key))
                        .map(|key| format!("{section}.{key}")),
                ),
                _ => unknown.push(section.clone()),
            }
        }
        self.faults.extend(unknown.into_iter().map(|key| {
            let reason = match most_similar(&key, known) {
                Some(similar) => format!("there is no such key; did you mean {similar}?"),
                None => "there is no such key".into(),
            };
            Fault { key, reason }
        }));
    }

    pub(super) fn take_value_files(&mut self) -> Vec<SecretFile> {
        std::mem::take(&mut self.value_files)
    }

    pub(super) fn add(&mut self, faults: Vec<Fault>) {
        self.faults.extend(faults);
    }

    pub(super) fn fault(&mut self, section: &str, key: &str, reason: String) {
        self.faults.push(Fault {
            key: format!("{section}.{key}"),
            reason,
        });
    }

    pub(super) fn value(&self, section: &str, key: &str) -> Option<&Value> {
        match self.given.get(section) {
            Some(Value::Dict(_, keys)) => keys.get(key),
            _ => None,
        }
    }

    /// The text of a key.
    pub(super) fn text(&mut self, section: &str, key: &str) -> String {
        self.read(section, key, as_text)
    }

    /// A number or truth value as text, for keys that hold one: the environment has text for both.
    fn scalar(&mut self, section: &str, key: &str) -> String {
        self.read(section, key, scalar_as_text)
    }

    fn read(&mut self, section: &str, key: &str, read: fn(&Value) -> Option<String>) -> String {
        match self.value(section, key) {
            Some(value) => match read(value) {
                Some(text) => return text,
                None => self.fault(section, key, NOT_TEXT.into()),
            },
            None => self.fault(section, key, "is missing".into()),
        }
        String::new()
    }

    pub(super) fn optional(&mut self, section: &str, key: &str) -> Option<String> {
        Some(self.text(section, key)).filter(|text| !text.is_empty())
    }

    pub(super) fn parse<T: Fallback>(
        &mut self,
        section: &str,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let text = self.text(section, key);
        self.parsed(section, key, &text, parse)
    }

    pub(super) fn parsed<T: Fallback>(
        &mut self,
        section: &str,
        key: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        parse(text).unwrap_or_else(|reason| {
            self.fault(section, key, reason);
            T::fallback()
        })
    }

    pub(super) fn duration(&mut self, section: &str, key: &str) -> Duration {
        self.parse(section, key, parse_duration)
    }

    /// A duration that may be `0s`: none.
    pub(super) fn duration_or_none(&mut self, section: &str, key: &str) -> Duration {
        self.parse(section, key, |text| match text {
            "0s" => Ok(Duration::ZERO),
            text => parse_duration(text),
        })
    }

    pub(super) fn flag(&mut self, section: &str, key: &str) -> bool {
        let text = self.scalar(section, key);
        self.parsed(section, key, &text, |text| {
            text.parse().map_err(|_| "must be true or false".to_owned())
        })
    }

    pub(super) fn whole<T: TryFrom<u64> + Fallback>(
        &mut self,
        section: &str,
        key: &str,
        least: u64,
        most: u64,
    ) -> T {
        let text = self.scalar(section, key);
        self.parsed(section, key, &text, |text| {
            text.parse::<u64>()
                .ok()
                .filter(|number| (least..=most).contains(number))
                .and_then(|number| T::try_from(number).ok())
                .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
        })
    }

    pub(super) fn list<T>(
        &mut self,
        section: &str,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(Value::Array(_, items)) = self.value(section, key) else {
            self.fault(
                section,
                key,
                "must be a list such as [\"one\", \"two\"]".into(),
            );
            return Vec::new();
        };
        let parsed: Vec<Result<T, String>> = items
            .iter()
            .map(|item| parse(&as_text(item).ok_or(NOT_TEXT)?))
            .collect();
        let mut values = Vec::new();
        for item in parsed {
            match item {
                Ok(value) => values.push(value),
                Err(reason) => self.fault(section, key, reason),
            }
        }
        values
    }
}

/// The text of a string value. Numbers are refused, because `1.10` would be read as `1.1`.
pub(super) fn as_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn scalar_as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Bool(_, flag) => Some(flag.to_string()),
        Value::Num(_, number) => number
            .to_u128()
            .map(|number| number.to_string())
            .or_else(|| number.to_i128().map(|number| number.to_string()))
            .or_else(|| number.to_f64().map(|number| number.to_string())),
        _ => None,
    }
}

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an address and a port such as 127.0.0.1:8080".into())
}

pub(super) fn parse_level(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|fault| format!("no log filter: {fault}"))
}

/// What stands in while the remaining faults are collected; never seen by anybody, because a fault ends the load.
pub(super) trait Fallback {
    fn fallback() -> Self;
}

macro_rules! fallback {
    ($($type:ty => $value:expr),+ $(,)?) => {
        $(impl Fallback for $type { fn fallback() -> Self { $value } })+
    };
}

fallback! {
    SocketAddr => SocketAddr::from(([127, 0, 0, 1], 0)),
    String => String::new(),
    Duration => Duration::from_secs(1),
    bool => false,
    u32 => 0,
    usize => 0,
    LogFormat => LogFormat::Text,
    Rotation => Rotation::Never,
    SubjectId => SubjectId::Id,
}

impl Fallback for Origin {
    fn fallback() -> Self {
        #[expect(clippy::expect_used, reason = "a constant that the tests parse")]
        Self::parse("http://localhost").expect("a constant origin")
    }
}
