//! The configuration: read once, checked whole, handed down as values.
//!
//! `config/default.toml` is the reference: a key that is not in it is unknown. Everything wrong is reported at once.

mod claims;
mod contradictions;
mod environment;
mod fault;
mod read;
mod routes;
mod secret_files;
mod security;
mod text;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

pub use claims::ClaimRule;
pub use fault::Fault;
pub use read::ConfigError;
pub use routes::{Route, RouteResource};
pub use secret_files::SecretFile;
pub use values::{LogFormat, Network, Origin, Rotation, SubjectId};

/// The compiled-in reference: every key, its default and what it means.
pub const DEFAULT: &str = include_str!("../../../config/default.toml");

/// All of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Listening and the public name.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The ephemeral store.
    pub redis: Redis,
    /// Passkeys and their name.
    pub passkeys: Passkeys,
    /// Users and their names.
    pub users: Users,
    /// Lifetimes of sessions.
    pub sessions: Sessions,
    /// Lifetimes of tokens and keys.
    pub tokens: Tokens,
    /// Roles on resources, and policies.
    pub access: Access,
    /// Whom Doorward may call.
    pub egress: Egress,
    /// Where the master key is.
    pub secrets: Secrets,
    /// Contacts for vulnerability reports.
    pub security: Security,
    /// Bounds on what strangers may ask.
    pub limits: Limits,
    /// What is logged, where and how.
    pub log: Log,
}

/// Section `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where people and services reach Doorward.
    #[serde(deserialize_with = "text::address")]
    pub listen: SocketAddr,
    /// Address of the operator's endpoints.
    #[serde(deserialize_with = "text::address")]
    pub operator_listen: SocketAddr,
    /// How browsers name this place.
    pub public_url: Origin,
    /// Domains besides its host whose accounts are signed in here, in lower case (RFC 7033).
    pub webfinger_domains: Vec<String>,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Time for requests in flight at a stop.
    #[serde(deserialize_with = "text::duration")]
    pub shutdown_timeout: Duration,
    /// The folder of the embedded stores.
    pub data_dir: PathBuf,
    /// Threads that answer requests; 0: one per core.
    #[serde(deserialize_with = "text::whole::<_, _, 0, 256>")]
    pub workers: usize,
}

/// Section `[database]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `None`: embedded.
    #[serde(deserialize_with = "text::optional")]
    pub url: Option<SecretString>,
    /// Connections kept.
    #[serde(deserialize_with = "text::whole::<_, _, 1, 1_000>")]
    pub pool_size: u32,
    /// After this it is away.
    #[serde(deserialize_with = "text::duration")]
    pub timeout: Duration,
}

/// Section `[redis]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `None`: embedded.
    #[serde(deserialize_with = "text::optional")]
    pub url: Option<SecretString>,
    /// After this it is away.
    #[serde(deserialize_with = "text::duration")]
    pub timeout: Duration,
}

/// Section `[passkeys]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkeys {
    /// WebAuthn relying party id.
    pub rp_id: String,
    /// What browsers call this place.
    pub rp_name: String,
    /// Further origins of the same pages.
    pub related_origins: Vec<Origin>,
    /// Life of a ceremony.
    #[serde(deserialize_with = "text::duration")]
    pub ceremony_timeout: Duration,
}

/// Section `[users]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// How many new usernames one user may be given within the window, by anyone but an administrator in person.
    #[serde(deserialize_with = "text::whole::<_, _, 0, 1_000>")]
    pub max_renames: u32,
    /// The window.
    #[serde(deserialize_with = "text::duration")]
    pub rename_window: Duration,
}

/// Section `[sessions]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Unused for this long: ended.
    #[serde(deserialize_with = "text::duration")]
    pub idle_timeout: Duration,
    /// Longest life.
    #[serde(deserialize_with = "text::duration")]
    pub absolute_lifetime: Duration,
}

/// Section `[tokens]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Life of an access token.
    #[serde(deserialize_with = "text::duration")]
    pub access_lifetime: Duration,
    /// Life of an ID token.
    #[serde(deserialize_with = "text::duration")]
    pub id_lifetime: Duration,
    /// The longest life of either that a client's own setting gives.
    #[serde(deserialize_with = "text::duration")]
    pub max_client_lifetime: Duration,
    /// Life of an authorization code.
    #[serde(deserialize_with = "text::duration")]
    pub code_lifetime: Duration,
    /// How long the refresh token before the present one still gives it once more.
    #[serde(deserialize_with = "text::duration_or_zero")]
    pub refresh_grace: Duration,
    /// Offline access unused for this long has ended.
    #[serde(deserialize_with = "text::duration")]
    pub offline_idle_timeout: Duration,
    /// Longest life of offline access.
    #[serde(deserialize_with = "text::duration")]
    pub offline_lifetime: Duration,
    /// How often a new signing key takes over.
    #[serde(deserialize_with = "text::duration")]
    pub key_rotation: Duration,
    /// How long services may keep the public keys.
    #[serde(deserialize_with = "text::duration")]
    pub jwks_max_age: Duration,
    /// Attributes of users that apps get as claims.
    pub claims: Vec<ClaimRule>,
}

/// Section `[access]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The folder of the policies; `None`: there are none, and nothing is permitted.
    #[serde(deserialize_with = "text::optional")]
    pub policies: Option<PathBuf>,
    /// The schema that they are held to.
    #[serde(deserialize_with = "text::optional")]
    pub schema: Option<PathBuf>,
    /// How answers to searches name people.
    pub subject_id: SubjectId,
    /// What forward-auth protects.
    #[serde(rename = "route")]
    pub routes: Vec<Route>,
}

/// Section `[egress]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Private networks that may be called all the same.
    pub allowed_networks: Vec<Network>,
    /// Certificates of further authorities.
    #[serde(deserialize_with = "text::optional")]
    pub extra_ca_file: Option<PathBuf>,
    /// After this a call has failed.
    #[serde(deserialize_with = "text::duration")]
    pub timeout: Duration,
}

/// Section `[secrets]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// `None`: `master.key` in the data folder.
    #[serde(deserialize_with = "text::optional")]
    pub master_key_file: Option<PathBuf>,
    /// The key before it.
    #[serde(deserialize_with = "text::optional")]
    pub previous_master_key_file: Option<PathBuf>,
    /// Whether files with secrets may be accessible to other users.
    #[serde(deserialize_with = "text::flag")]
    pub allow_readable_files: bool,
    /// The files that other secrets were read from.
    #[serde(skip)]
    pub value_files: Vec<SecretFile>,
}

/// Section `[security]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// URIs for reports of vulnerabilities, the preferred one first; empty: none is published.
    pub contact: Vec<String>,
    /// Languages that reports may be written in.
    pub languages: Vec<String>,
}

/// Section `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Per address and minute; 0: no limit.
    #[serde(deserialize_with = "text::whole::<_, _, 0, 1_000_000>")]
    pub ceremonies_per_minute: u32,
    /// Largest request body.
    #[serde(deserialize_with = "text::whole::<_, _, 4_096, 16_777_216>")]
    pub body_bytes: usize,
}

/// Section `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Least level and per-module filters.
    pub level: String,
    /// Standard error on or off.
    #[serde(deserialize_with = "text::flag")]
    pub console: bool,
    /// Text or JSON.
    pub format: LogFormat,
    /// A file as well.
    #[serde(deserialize_with = "text::optional")]
    pub file: Option<PathBuf>,
    /// When a new file begins.
    pub rotation: Rotation,
    /// Rotated files kept.
    #[serde(deserialize_with = "text::whole::<_, _, 1, 1_000>")]
    pub keep: usize,
}

impl Tokens {
    /// The lifetime of a client's access tokens, which may have one of its own.
    pub fn access_lifetime_of(&self, own: Option<u32>) -> Duration {
        self.lifetime_of(own, self.access_lifetime)
    }

    /// The lifetime of a client's ID tokens, which may have one of its own.
    pub fn id_lifetime_of(&self, own: Option<u32>) -> Duration {
        self.lifetime_of(own, self.id_lifetime)
    }

    /// How long a client's offline access is valid, which may have a lifetime of its own.
    pub fn offline_lifetime_of(&self, own: Option<u32>) -> Duration {
        own.map_or(self.offline_lifetime, seconds)
    }

    /// How long a client's offline access may be left unused.
    pub fn offline_idle_timeout_of(&self, own: Option<u32>) -> Duration {
        own.map_or(self.offline_idle_timeout, seconds)
    }

    fn lifetime_of(&self, own: Option<u32>, configured: Duration) -> Duration {
        own.map_or(configured, |own| seconds(own).min(self.max_client_lifetime))
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

impl Config {
    /// Reads the defaults, then `file` (a TOML file) if given, then the environment.
    ///
    /// # Errors
    /// Every unknown key and every bad value, together.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        read::load(file, std::env::vars_os())
    }

    /// All origins under which a ceremony may run: the public URL first.
    pub fn origins(&self) -> Vec<Origin> {
        std::iter::once(&self.server.public_url)
            .chain(&self.passkeys.related_origins)
            .cloned()
            .collect()
    }

    /// The hash of the configuration, in hexadecimal. Of secrets it covers only whether they are set, so the hash reveals nothing
    /// about them.
    pub fn digest(&self) -> String {
        let text = format!("{self:?}");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        super::hex::to_hex(digest.as_ref())
    }

    /// Whether what lasts is on another machine: then nothing may be invented at start.
    pub fn is_clustered(&self) -> bool {
        self.database.url.is_some() || self.redis.url.is_some()
    }

    /// Where the master key is read from.
    pub fn master_key_path(&self) -> PathBuf {
        self.secrets
            .master_key_file
            .clone()
            .unwrap_or_else(|| self.server.data_dir.join("master.key"))
    }
}
