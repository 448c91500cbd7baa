//! Checks that involve more than one value: values that contradict each other, and lists whose items have a required form.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::security::{parse_contact, parse_language};
use super::values::{parse_domain, parse_level};
use super::{Config, ConfigFault};

/// Maximum lifetime of an access token. The account state record lists revocations for an hour longer than this.
const MAX_ACCESS_LIFETIME: Duration = Duration::from_secs(3_600);

/// Returns the faults among the checks, each given as (is wrong, key, reason).
fn faults<const COUNT: usize>(checks: [(bool, &str, &str); COUNT]) -> Vec<ConfigFault> {
    let wrong = checks.into_iter().filter(|(is_wrong, ..)| *is_wrong);
    wrong
        .map(|(_, key, reason)| ConfigFault {
            key: key.to_owned(),
            reason: reason.to_owned(),
        })
        .collect()
}

impl Config {
    /// Returns every contradiction.
    pub(super) fn contradictions(&self) -> Vec<ConfigFault> {
        let exposed = if self.secrets.allow_readable_files {
            Vec::new()
        } else {
            self.exposed_secret_files()
        };
        let (host, rp_id) = (self.server.public_url.host(), &self.passkeys.rp_id);
        let own = faults([
            (
                // WebAuthn Level 3 §5.1.3: the RP ID is the host or a registrable suffix of it.
                host != rp_id && !host.ends_with(&format!(".{rp_id}")),
                "passkeys.rp_id",
                &format!("must be {host}, the host of server.public_url, or a domain above it"),
            ),
            (
                self.access.schema.is_some() && self.access.policies.is_none(),
                "access.schema",
                "has no effect without access.policies",
            ),
            (
                self.sessions.idle_timeout > self.sessions.absolute_lifetime,
                "sessions.idle_timeout",
                "must not be longer than sessions.absolute_lifetime",
            ),
        ]);
        [
            own,
            self.bad_texts(),
            self.bad_stores(),
            self.bad_tokens(),
            exposed,
        ]
        .concat()
    }

    fn bad_stores(&self) -> Vec<ConfigFault> {
        let [database, redis] = [&self.database.url, &self.redis.url]
            .map(|url| url.as_ref().map(|url| url.expose_secret()));
        let begins = |url: Option<&str>, schemes: [&str; 2]| {
            url.is_none_or(|url| schemes.iter().any(|scheme| url.starts_with(scheme)))
        };
        let missing = if redis.is_some() {
            "database.url"
        } else {
            "redis.url"
        };
        faults([
            (
                !begins(database, ["postgres://", "postgresql://"]),
                "database.url",
                "must begin with postgres://",
            ),
            (
                !begins(redis, ["redis://", "rediss://"]),
                "redis.url",
                "must begin with redis:// or rediss://",
            ),
            (
                database.is_some() != redis.is_some(),
                missing,
                "PostgreSQL and Redis are used together: set both URLs, or neither to run embedded",
            ),
        ])
    }

    fn bad_tokens(&self) -> Vec<ConfigFault> {
        let tokens = &self.tokens;
        let mut found = faults([
            (
                tokens.access_lifetime > MAX_ACCESS_LIFETIME,
                "tokens.access_lifetime",
                "must be at most 1h",
            ),
            (
                tokens.max_client_lifetime > MAX_ACCESS_LIFETIME,
                "tokens.max_client_lifetime",
                "must be at most 1h",
            ),
            (
                tokens.key_rotation <= tokens.jwks_max_age.saturating_mul(2),
                "tokens.key_rotation",
                "must be longer than twice tokens.jwks_max_age",
            ),
        ]);
        for (index, rule) in tokens.claims.iter().enumerate() {
            let mut earlier = tokens.claims.iter().take(index);
            let is_twice = earlier.any(|earlier| earlier.claim == rule.claim);
            let reason = format!("the claim {} is configured twice", rule.claim);
            found.extend(faults([(is_twice, "tokens.claims", &reason)]));
        }
        found
    }

    fn bad_texts(&self) -> Vec<ConfigFault> {
        type Parse = fn(&str) -> Result<String, String>;
        let level = std::slice::from_ref(&self.log.level);
        let texts: [(&str, &[String], Parse); 4] = [
            (
                "server.webfinger_domains",
                &self.server.webfinger_domains,
                parse_domain,
            ),
            ("security.contact", &self.security.contact, parse_contact),
            (
                "security.languages",
                &self.security.languages,
                parse_language,
            ),
            ("log.level", level, parse_level),
        ];
        let found = texts.into_iter().flat_map(|(key, texts, parse)| {
            let reasons = texts.iter().filter_map(move |text| parse(text).err());
            reasons.map(move |reason| ConfigFault {
                key: key.to_owned(),
                reason,
            })
        });
        found.collect()
    }
}
