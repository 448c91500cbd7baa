//! Reading: the layers are merged, then every key is parsed; faults are collected, not thrown.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Value};
use secrecy::SecretString;

use super::values::{LogFormat, Network, Origin, Rotation, parse_duration};
use super::{Config, DEFAULT, Database, Limits, Log, Passkeys, Redis, Secrets, Server, Sessions};

const ENVIRONMENT: &str = "DOORWARD__";
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

pub(super) fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let mut faults = Vec::new();
    let mut figment = Figment::from(Toml::string(DEFAULT));
    if let Some(file) = file {
        if file.is_file() {
            figment = figment.merge(Toml::file_exact(file));
        } else {
            faults.push(Fault {
                key: "--config".into(),
                reason: format!("there is no file {}", file.display()),
            });
        }
    }
    let figment = figment.merge(Env::prefixed(ENVIRONMENT).split("__"));
    let known = Figment::from(Toml::string(DEFAULT)).extract::<Dict>();
    let (known, given) = match (known, figment.extract::<Dict>()) {
        (Ok(known), Ok(given)) => (known, given),
        (Err(fault), _) | (_, Err(fault)) => {
            faults.extend(fault.into_iter().map(|fault| Fault {
                key: fault.path.join("."),
                reason: fault.kind.to_string(),
            }));
            return Err(ConfigError(faults));
        }
    };
    let mut reader = Reader { given, faults };
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

struct Reader {
    given: Dict,
    faults: Vec<Fault>,
}

impl Reader {
    fn config(&mut self) -> Config {
        let listen = self.parse("server", "listen", parse_address);
        let public_url = self
            .optional("server", "public_url")
            .unwrap_or_else(|| format!("http://localhost:{}", listen.port()));
        let public_url = self.parsed("server", "public_url", &public_url, Origin::parse);
        let rp_id = self
            .optional("passkeys", "rp_id")
            .unwrap_or_else(|| public_url.host().to_owned());
        Config {
            server: Server {
                listen,
                operator_listen: self.parse("server", "operator_listen", parse_address),
                public_url,
                trusted_proxies: self.list("server", "trusted_proxies", Network::parse),
                shutdown_timeout: self.duration("server", "shutdown_timeout"),
                data_dir: PathBuf::from(self.text("server", "data_dir")),
                workers: self.whole("server", "workers", 0, 256),
            },
            database: Database {
                url: self.optional("database", "url").map(SecretString::from),
                pool_size: self.whole("database", "pool_size", 1, 1_000),
                timeout: self.duration("database", "timeout"),
            },
            redis: Redis {
                url: self.optional("redis", "url").map(SecretString::from),
                timeout: self.duration("redis", "timeout"),
            },
            passkeys: Passkeys {
                rp_id,
                rp_name: self.text("passkeys", "rp_name"),
                related_origins: self.list("passkeys", "related_origins", Origin::parse),
                ceremony_timeout: self.duration("passkeys", "ceremony_timeout"),
            },
            sessions: Sessions {
                idle_timeout: self.duration("sessions", "idle_timeout"),
                absolute_lifetime: self.duration("sessions", "absolute_lifetime"),
            },
            secrets: Secrets {
                master_key_file: self
                    .optional("secrets", "master_key_file")
                    .map(PathBuf::from),
                previous_master_key_file: self
                    .optional("secrets", "previous_master_key_file")
                    .map(PathBuf::from),
            },
            limits: Limits {
                ceremonies_per_minute: self.whole("limits", "ceremonies_per_minute", 0, 1_000_000),
                body_bytes: self.whole("limits", "body_bytes", 4_096, 16 << 20),
            },
            log: Log {
                level: self.parse("log", "level", parse_level),
                console: self.flag("log", "console"),
                format: self.parse("log", "format", LogFormat::parse),
                file: self.optional("log", "file").map(PathBuf::from),
                rotation: self.parse("log", "rotation", Rotation::parse),
                keep: self.whole("log", "keep", 1, 1_000),
            },
        }
    }

    /// What no single key can tell.
    fn check(&mut self, config: &Config) {
        let host = config.server.public_url.host();
        let rp_id = &config.passkeys.rp_id;
        // WebAuthn Level 3 §5.1.3: the RP ID is the host or a registrable suffix of it.
        if host != rp_id && !host.ends_with(&format!(".{rp_id}")) {
            self.fault(
                "passkeys",
                "rp_id",
                format!("must be {host}, the host of server.public_url, or a domain above it"),
            );
        }
        if let Some(url) = &config.database.url {
            use secrecy::ExposeSecret;
            let url = url.expose_secret();
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                self.fault("database", "url", "must begin with postgres://".into());
            }
        }
        if let Some(url) = &config.redis.url {
            use secrecy::ExposeSecret;
            let url = url.expose_secret();
            if !url.starts_with("redis://") && !url.starts_with("rediss://") {
                self.fault(
                    "redis",
                    "url",
                    "must begin with redis:// or rediss://".into(),
                );
            }
        }
        if config.database.url.is_some() != config.redis.url.is_some() {
            self.fault(
                if config.redis.url.is_some() {
                    "database"
                } else {
                    "redis"
                },
                "url",
                "PostgreSQL and Redis go together: give both addresses, or neither to run embedded"
                    .into(),
            );
        }
        if config.sessions.idle_timeout > config.sessions.absolute_lifetime {
            self.fault(
                "sessions",
                "idle_timeout",
                "must not be longer than sessions.absolute_lifetime".into(),
            );
        }
    }

    fn read_secret_files(&mut self) {
        for (section, key) in SECRET_KEYS {
            let file_key = format!("{key}_file");
            let Some(Value::Dict(_, keys)) = self.given.get_mut(section) else {
                continue;
            };
            let Some(named) = keys.remove(&file_key) else {
                continue;
            };
            let path = named.as_str().unwrap_or_default().to_owned();
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    keys.insert(key.to_owned(), Value::from(text.trim().to_owned()));
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
        self.faults.extend(unknown.into_iter().map(|key| Fault {
            key,
            reason: "there is no such key".into(),
        }));
    }

    fn fault(&mut self, section: &str, key: &str, reason: String) {
        self.faults.push(Fault {
            key: format!("{section}.{key}"),
            reason,
        });
    }

    fn value(&self, section: &str, key: &str) -> Option<&Value> {
        match self.given.get(section) {
            Some(Value::Dict(_, keys)) => keys.get(key),
            _ => None,
        }
    }

    /// The text of a key; a number or truth value that the environment held is text again.
    fn text(&mut self, section: &str, key: &str) -> String {
        match self.value(section, key) {
            Some(value) => match as_text(value) {
                Some(text) => return text,
                None => self.fault(section, key, "must be a text".into()),
            },
            None => self.fault(section, key, "is missing".into()),
        }
        String::new()
    }

    fn optional(&mut self, section: &str, key: &str) -> Option<String> {
        Some(self.text(section, key)).filter(|text| !text.is_empty())
    }

    fn parse<T: Fallback>(
        &mut self,
        section: &str,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let text = self.text(section, key);
        self.parsed(section, key, &text, parse)
    }

    fn parsed<T: Fallback>(
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

    fn duration(&mut self, section: &str, key: &str) -> Duration {
        self.parse(section, key, parse_duration)
    }

    fn flag(&mut self, section: &str, key: &str) -> bool {
        self.parse(section, key, |text| {
            text.parse().map_err(|_| "must be true or false".to_owned())
        })
    }

    fn whole<T: TryFrom<u64> + Fallback>(
        &mut self,
        section: &str,
        key: &str,
        least: u64,
        most: u64,
    ) -> T {
        self.parse(section, key, |text| {
            text.parse::<u64>()
                .ok()
                .filter(|number| (least..=most).contains(number))
                .and_then(|number| T::try_from(number).ok())
                .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
        })
    }

    fn list<T>(
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
            .map(|item| parse(&as_text(item).unwrap_or_default()))
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

fn as_text(value: &Value) -> Option<String> {
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

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an address and a port such as 127.0.0.1:8080".into())
}

fn parse_level(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|fault| format!("no log filter: {fault}"))
}

/// What stands in while the remaining faults are collected; never seen by anybody, because a fault ends the load.
trait Fallback {
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
}

impl Fallback for Origin {
    fn fallback() -> Self {
        #[expect(clippy::expect_used, reason = "a constant that the tests parse")]
        Self::parse("http://localhost").expect("a constant origin")
    }
}
