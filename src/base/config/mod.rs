//! The configuration: read once at startup, validated as a whole, and passed down as values.
//!
//! `config/default.toml` is the reference: keys that it doesn't contain are unknown. All faults are reported together.

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
use tracing_appender::rolling::Rotation;

pub use claims::{ClaimRule, USER_CLAIMS};
pub use fault::ConfigFault;
pub use read::ConfigError;
pub use routes::{Route, RouteResource};
pub use secret_files::SecretFile;
pub use values::{LogFormat, Network, Origin, SubjectId};

/// The built-in reference configuration: every key with its default and description.
pub const DEFAULT: &str = include_str!("../../../config/default.toml");

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Addresses, the public URL and the server's limits.
    pub server: Server,
    /// Database connection.
    pub database: Database,
    /// Ephemeral store connection.
    pub redis: Redis,
    /// WebAuthn relying party and ceremonies.
    pub passkeys: Passkeys,
    /// Username changes.
    pub users: Users,
    /// Session lifetimes.
    pub sessions: Sessions,
    /// Lifetimes of tokens and signing keys, and claims.
    pub tokens: Tokens,
    /// Policies, their schema and forward-auth routes.
    pub access: Access,
    /// Restrictions on outgoing requests.
    pub egress: Egress,
    /// Location of the master key, and checks of secret files.
    pub secrets: Secrets,
    /// Contacts for vulnerability reports.
    pub security: Security,
    /// Limits for requests from unknown callers.
    pub limits: Limits,
    /// Log level, format and destinations.
    pub log: Log,
}

/// Section `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port of the public listener.
    #[serde(deserialize_with = "text::address")]
    pub listen: SocketAddr,
    /// Address and port of the operator's endpoints.
    #[serde(deserialize_with = "text::address")]
    pub operator_listen: SocketAddr,
    /// Origin under which browsers and clients reach Doorward.
    pub public_url: Origin,
    /// Domains, in lower case, whose accounts `WebFinger` resolves in addition to the host of `public_url` (RFC 7033).
    pub webfinger_domains: Vec<String>,
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: Vec<Network>,
    /// How long a shutdown waits for requests in flight.
    #[serde(deserialize_with = "text::duration")]
    pub shutdown_timeout: Duration,
    /// Folder of the embedded stores.
    pub data_dir: PathBuf,
    /// Number of worker threads; 0 means one per core.
    #[serde(deserialize_with = "text::whole::<_, _, 0, 256>")]
    pub workers: usize,
}

/// Section `[database]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// URL of the PostgreSQL database; `None` for the embedded SQLite database.
    #[serde(deserialize_with = "text::optional")]
    pub url: Option<SecretString>,
    /// Maximum number of pooled connections.
    #[serde(deserialize_with = "text::whole::<_, _, 1, 1_000>")]
    pub pool_size: u32,
    /// Timeout after which the database counts as unavailable.
    #[serde(deserialize_with = "text::duration")]
    pub timeout: Duration,
}

/// Section `[redis]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// URL of Redis; `None` for the embedded store.
    #[serde(deserialize_with = "text::optional")]
    pub url: Option<SecretString>,
    /// Timeout after which the store counts as unavailable.
    #[serde(deserialize_with = "text::duration")]
    pub timeout: Duration,
}

/// Section `[passkeys]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkeys {
    /// WebAuthn relying party ID.
    pub rp_id: String,
    /// WebAuthn relying party name, shown by browsers.
    pub rp_name: String,
    /// Further origins on which passkeys may be used.
    pub related_origins: Vec<Origin>,
    /// How long a ceremony is valid.
    #[serde(deserialize_with = "text::duration")]
    pub ceremony_timeout: Duration,
}

/// Section `[users]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// How many new usernames clients and user managers may give a user within `rename_window`; administrators are not limited.
    #[serde(deserialize_with = "text::whole::<_, _, 0, 1_000>")]
    pub max_renames: u32,
    /// Time window for `max_renames`.
    #[serde(deserialize_with = "text::duration")]
    pub rename_window: Duration,
}

/// Section `[sessions]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// How long a session may be unused before it ends.
    #[serde(deserialize_with = "text::duration")]
    pub idle_timeout: Duration,
    /// Maximum lifetime of a session.
    #[serde(deserialize_with = "text::duration")]
    pub absolute_lifetime: Duration,
}

/// Section `[tokens]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Lifetime of an access token.
    #[serde(deserialize_with = "text::duration")]
    pub access_lifetime: Duration,
    /// Lifetime of an ID token.
    #[serde(deserialize_with = "text::duration")]
    pub id_lifetime: Duration,
    /// Maximum lifetime of access and ID tokens that a client's own setting may choose.
    #[serde(deserialize_with = "text::duration")]
    pub max_client_lifetime: Duration,
    /// Lifetime of an authorization code.
    #[serde(deserialize_with = "text::duration")]
    pub code_lifetime: Duration,
    /// How long a replaced refresh token still returns its successor again, for clients that lost the response.
    #[serde(deserialize_with = "text::duration_or_zero")]
    pub refresh_grace: Duration,
    /// How long offline access may be unused before it ends.
    #[serde(deserialize_with = "text::duration")]
    pub offline_idle_timeout: Duration,
    /// Maximum lifetime of offline access.
    #[serde(deserialize_with = "text::duration")]
    pub offline_lifetime: Duration,
    /// Interval between rotations of the signing key.
    #[serde(deserialize_with = "text::duration")]
    pub key_rotation: Duration,
    /// `max-age` of the JWKS: how long services may cache the public keys.
    #[serde(deserialize_with = "text::duration")]
    pub jwks_max_age: Duration,
    /// User attributes that clients receive as claims.
    pub claims: Vec<ClaimRule>,
}

/// Section `[access]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Folder of the policies; `None`: there are no policies, and nothing is permitted.
    #[serde(deserialize_with = "text::optional")]
    pub policies: Option<PathBuf>,
    /// Schema that the policies are validated against.
    #[serde(deserialize_with = "text::optional")]
    pub schema: Option<PathBuf>,
    /// How search responses identify users.
    pub subject_id: SubjectId,
    /// Routes that forward-auth protects.
    #[serde(rename = "route")]
    pub routes: Vec<Route>,
}

/// Section `[egress]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Private networks that outgoing requests may reach.
    pub allowed_networks: Vec<Network>,
    /// Certificates of additional certificate authorities.
    #[serde(deserialize_with = "text::optional")]
    pub extra_ca_file: Option<PathBuf>,
    /// Timeout of an outgoing request.
    #[serde(deserialize_with = "text::duration")]
    pub timeout: Duration,
}

/// Section `[secrets]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// File with the master key; `None`: `master.key` in the data folder.
    #[serde(deserialize_with = "text::optional")]
    pub master_key_file: Option<PathBuf>,
    /// File with the previous master key, during a replacement.
    #[serde(deserialize_with = "text::optional")]
    pub previous_master_key_file: Option<PathBuf>,
    /// Whether files with secrets may be accessible to other users.
    #[serde(deserialize_with = "text::flag")]
    pub allow_readable_files: bool,
    /// Files that other secrets were read from.
    #[serde(skip)]
    pub value_files: Vec<SecretFile>,
}

/// Section `[security]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// URIs for vulnerability reports, the preferred one first; if empty, no `security.txt` is published.
    pub contact: Vec<String>,
    /// Languages that reports may be written in.
    pub languages: Vec<String>,
}

/// Section `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Ceremonies per address and minute; 0: no limit.
    #[serde(deserialize_with = "text::whole::<_, _, 0, 1_000_000>")]
    pub ceremonies_per_minute: u32,
    /// Maximum size of a request body, in bytes.
    #[serde(deserialize_with = "text::whole::<_, _, 4_096, 16_777_216>")]
    pub body_bytes: usize,
}

/// Section `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Minimum level and per-module filters.
    pub level: String,
    /// Whether to log to standard error.
    #[serde(deserialize_with = "text::flag")]
    pub console: bool,
    /// Text or JSON.
    pub format: LogFormat,
    /// Log file; `None`: no file.
    #[serde(deserialize_with = "text::optional")]
    pub file: Option<PathBuf>,
    /// How often a new log file is started.
    #[serde(deserialize_with = "text::rotation")]
    pub rotation: Rotation,
    /// How many rotated files are kept.
    #[serde(deserialize_with = "text::whole::<_, _, 1, 1_000>")]
    pub keep: usize,
}

impl Tokens {
    /// Returns the lifetime of a client's access tokens; `own` is the client's setting, in seconds.
    pub fn access_lifetime_of(&self, own: Option<u32>) -> Duration {
        self.lifetime_of(own, self.access_lifetime)
    }

    /// Returns the lifetime of a client's ID tokens; `own` is the client's setting, in seconds.
    pub fn id_lifetime_of(&self, own: Option<u32>) -> Duration {
        self.lifetime_of(own, self.id_lifetime)
    }

    /// Returns the lifetime of a client's offline access; `own` is the client's setting, in seconds.
    pub fn offline_lifetime_of(&self, own: Option<u32>) -> Duration {
        own.map_or(self.offline_lifetime, seconds)
    }

    /// Returns how long a client's offline access may be unused; `own` is the client's setting, in seconds.
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
    /// Every unknown key and every invalid value, together.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        read::load(file, std::env::vars_os())
    }

    /// Returns all origins on which ceremonies may run, the public URL first.
    pub fn origins(&self) -> Vec<Origin> {
        std::iter::once(&self.server.public_url)
            .chain(&self.passkeys.related_origins)
            .cloned()
            .collect()
    }

    /// Returns the hash of the configuration, in hexadecimal. Of secrets it covers only whether they are set, so the hash reveals
    /// nothing about them.
    pub fn digest(&self) -> String {
        let text = format!("{self:?}");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        super::hex::to_hex(digest.as_ref())
    }

    /// Whether a store is on another machine and possibly shared by several instances: then no keys are generated at startup.
    pub fn is_clustered(&self) -> bool {
        self.database.url.is_some() || self.redis.url.is_some()
    }

    /// Returns the path of the master key.
    pub fn master_key_path(&self) -> PathBuf {
        self.secrets
            .master_key_file
            .clone()
            .unwrap_or_else(|| self.server.data_dir.join("master.key"))
    }
}
