//! The token lifetimes that are set per client: their bounds, and the limits for clients that set them for other clients.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Metadata;
use super::invalid_field::{FieldErrorKind, InvalidField};
use crate::base::config::Config;

/// Limit for the access and ID token lifetimes that a client may set for another client, in seconds.
const MAX_TOKEN_LIFETIME_SET_BY_SERVICE: u32 = 300;

/// The kinds of lifetimes, each with its own bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LifetimeKind {
    /// Access and ID tokens. Resource servers that verify them locally don't notice a revocation before they expire. Revocations
    /// are stored for an hour longer than the longest of these lifetimes.
    Token,
    /// Refresh tokens that end with the session.
    Refresh,
    /// Refresh tokens for offline access.
    Offline,
    /// Offline access without use (idle timeout).
    OfflineIdle,
}

impl LifetimeKind {
    const fn range(self) -> RangeInclusive<u32> {
        match self {
            Self::Token => 30..=3_600,
            Self::Refresh | Self::Offline | Self::OfflineIdle => 60..=157_680_000,
        }
    }

    const fn fault(self) -> FieldErrorKind {
        match self {
            Self::Token => FieldErrorKind::Lifetime,
            Self::Refresh | Self::Offline | Self::OfflineIdle => FieldErrorKind::RefreshLifetime,
        }
    }
}

/// The field, kind and value in seconds of each lifetime; `None` means the configured default.
fn lifetimes(metadata: &Metadata) -> [(&'static str, LifetimeKind, Option<u32>); 5] {
    use LifetimeKind::{Offline, OfflineIdle, Refresh, Token};
    let &Metadata {
        access_token_lifetime,
        id_token_lifetime,
        refresh_token_lifetime,
        offline_lifetime,
        offline_idle_timeout,
        ..
    } = metadata;
    [
        ("access_token_lifetime", Token, access_token_lifetime),
        ("id_token_lifetime", Token, id_token_lifetime),
        ("refresh_token_lifetime", Refresh, refresh_token_lifetime),
        ("offline_lifetime", Offline, offline_lifetime),
        ("offline_idle_timeout", OfflineIdle, offline_idle_timeout),
    ]
}

/// Checks that all lifetimes are within their bounds. Returns the first that is not as an error.
pub(super) fn check_lifetimes(metadata: &Metadata) -> Result<(), InvalidField> {
    for (field, kind, seconds) in lifetimes(metadata) {
        if seconds.is_some_and(|seconds| !kind.range().contains(&seconds)) {
            return Err(kind.fault().of(field));
        }
    }
    Ok(())
}

/// The lifetimes, in seconds, that a client may set at most for the clients that it manages.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServiceLifetimeLimits {
    session: u32,
    offline: u32,
    offline_idle: u32,
}

impl ServiceLifetimeLimits {
    /// The limits are the installation's own lifetimes.
    pub(super) fn of(config: &Config) -> Self {
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        Self {
            session: seconds(config.sessions.absolute_lifetime),
            offline: seconds(config.tokens.offline_lifetime),
            offline_idle: seconds(config.tokens.offline_idle_timeout),
        }
    }

    const fn max(self, kind: LifetimeKind) -> u32 {
        match kind {
            LifetimeKind::Token => MAX_TOKEN_LIFETIME_SET_BY_SERVICE,
            LifetimeKind::Refresh => self.session,
            LifetimeKind::Offline => self.offline,
            LifetimeKind::OfflineIdle => self.offline_idle,
        }
    }

    /// Returns the first lifetime that a client would set too high, and the limit. A client may only shorten what is set.
    pub(super) fn find_above_limit(
        self,
        after: &Metadata,
        before: Option<&Metadata>,
    ) -> Option<(&'static str, u32)> {
        let known = before.map(lifetimes);
        for (entry, (field, kind, seconds)) in lifetimes(after).into_iter().enumerate() {
            let before = known.as_ref().and_then(|known| known.get(entry)?.2);
            let max = self.max(kind);
            let most = before.unwrap_or(max).min(max);
            if seconds != before && seconds.is_none_or(|seconds| seconds > most) {
                return Some((field, max));
            }
        }
        None
    }
}
