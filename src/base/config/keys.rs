//! Every key of every section, and what no single key can tell.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::read::{Reader, parse_address, parse_level};
use super::security::{parse_contact, parse_language};
use super::values::{LogFormat, Network, Origin, Rotation, SubjectId, parse_domain};
use super::{
    Access, Config, Database, Egress, Limits, Log, Passkeys, Redis, Secrets, Security, Server,
    Sessions, Tokens, Users,
};

/// The longest life of an access token.
const LONGEST_ACCESS: Duration = Duration::from_secs(3_600);

impl Reader {
    pub(super) fn config(&mut self) -> Config {
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
                webfinger_domains: self.list("server", "webfinger_domains", parse_domain),
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
            users: Users {
                max_renames: self.whole("users", "max_renames", 0, 1_000),
                rename_window: self.duration("users", "rename_window"),
            },
            sessions: Sessions {
                idle_timeout: self.duration("sessions", "idle_timeout"),
                absolute_lifetime: self.duration("sessions", "absolute_lifetime"),
            },
            tokens: Tokens {
                access_lifetime: self.duration("tokens", "access_lifetime"),
                id_lifetime: self.duration("tokens", "id_lifetime"),
                max_client_lifetime: self.duration("tokens", "max_client_lifetime"),
                code_lifetime: self.duration("tokens", "code_lifetime"),
                refresh_grace: self.duration_or_none("tokens", "refresh_grace"),
                offline_idle_timeout: self.duration("tokens", "offline_idle_timeout"),
                offline_lifetime: self.duration("tokens", "offline_lifetime"),
                key_rotation: self.duration("tokens", "key_rotation"),
                jwks_max_age: self.duration("tokens", "jwks_max_age"),
                claims: self.claims(),
            },
            access: Access {
                policies: self.optional("access", "policies").map(PathBuf::from),
                schema: self.optional("access", "schema").map(PathBuf::from),
                subject_id: self.parse("access", "subject_id", SubjectId::parse),
                routes: self.routes(),
            },
            egress: Egress {
                allowed_networks: self.list("egress", "allowed_networks", Network::parse),
                extra_ca_file: self.optional("egress", "extra_ca_file").map(PathBuf::from),
                timeout: self.duration("egress", "timeout"),
            },
            secrets: Secrets {
                master_key_file: self
                    .optional("secrets", "master_key_file")
                    .map(PathBuf::from),
                previous_master_key_file: self
                    .optional("secrets", "previous_master_key_file")
                    .map(PathBuf::from),
                allow_readable_files: self.flag("secrets", "allow_readable_files"),
                value_files: self.take_value_files(),
            },
            security: Security {
                contact: self.list("security", "contact", parse_contact),
                languages: self.list("security", "languages", parse_language),
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
    pub(super) fn check(&mut self, config: &Config) {
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
        if !config.secrets.allow_readable_files {
            self.add(config.exposed_secret_files());
        }
        if config.access.schema.is_some() && config.access.policies.is_none() {
            self.fault(
                "access",
                "schema",
                "is of no use without access.policies".into(),
            );
        }
        // The standing record tells of revocations for an hour longer than this.
        if config.tokens.access_lifetime > LONGEST_ACCESS {
            self.fault("tokens", "access_lifetime", "must be 1h at most".into());
        }
        if config.tokens.max_client_lifetime > LONGEST_ACCESS {
            self.fault("tokens", "max_client_lifetime", "must be 1h at most".into());
        }
        if config.tokens.key_rotation <= config.tokens.jwks_max_age.saturating_mul(2) {
            self.fault(
                "tokens",
                "key_rotation",
                "must be longer than twice tokens.jwks_max_age".into(),
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
}
