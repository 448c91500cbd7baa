//! Lifetimes that a client has of its own: their bounds, and how long a service may make them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Metadata;
use super::fault::{Fault, FieldFault};
use crate::base::config::Config;

/// Seconds for which a client may let the access and ID tokens of another be valid.
const MAX_GIVEN_TOKEN_LIFETIME: u32 = 300;

/// What a lifetime is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Access and ID tokens: services that check them by themselves learn of a revocation when they end. Revocations are
    /// remembered for an hour longer than their longest lifetime.
    Token,
    /// Refresh tokens that end with the session.
    Refresh,
    /// Refresh tokens of offline access.
    Offline,
    /// Offline access that is not used.
    OfflineIdle,
}

impl Kind {
    const fn bounds(self) -> RangeInclusive<u32> {
        match self {
            Self::Token => 30..=3_600,
            Self::Refresh | Self::Offline | Self::OfflineIdle => 60..=157_680_000,
        }
    }

    const fn fault(self) -> Fault {
        match self {
            Self::Token => Fault::Lifetime,
            Self::Refresh | Self::Offline | Self::OfflineIdle => Fault::RefreshLifetime,
        }
    }
}

/// A lifetime of a client's own.
struct Lifetime {
    field: &'static str,
    kind: Kind,
    /// In seconds; `None`: as configured.
    seconds: Option<u32>,
}

fn lifetimes(metadata: &Metadata) -> [Lifetime; 5] {
    [
        (
            "access_token_lifetime",
            Kind::Token,
            metadata.access_token_lifetime,
        ),
        ("id_token_lifetime", Kind::Token, metadata.id_token_lifetime),
        (
            "refresh_token_lifetime",
            Kind::Refresh,
            metadata.refresh_token_lifetime,
        ),
        ("offline_lifetime", Kind::Offline, metadata.offline_lifetime),
        (
            "offline_idle_timeout",
            Kind::OfflineIdle,
            metadata.offline_idle_timeout,
        ),
    ]
    .map(|(field, kind, seconds)| Lifetime {
        field,
        kind,
        seconds,
    })
}

/// Checks that all are within their bounds.
///
/// # Errors
/// The first that is not.
pub(super) fn check_lifetimes(metadata: &Metadata) -> Result<(), FieldFault> {
    for Lifetime {
        field,
        kind,
        seconds,
    } in lifetimes(metadata)
    {
        if seconds.is_some_and(|seconds| !kind.bounds().contains(&seconds)) {
            return Err(FieldFault::new(field, kind.fault()));
        }
    }
    Ok(())
}

/// How long a service may make the lifetimes of the clients that it manages.
#[derive(Clone, Copy, Debug)]
pub(super) struct GivenLifetimes {
    session: u32,
    offline: u32,
    offline_idle: u32,
}

impl GivenLifetimes {
    /// As long as the installation's, at most.
    pub(super) fn of(config: &Config) -> Self {
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        Self {
            session: seconds(config.sessions.absolute_lifetime),
            offline: seconds(config.tokens.offline_lifetime),
            offline_idle: seconds(config.tokens.offline_idle_timeout),
        }
    }

    const fn longest(self, kind: Kind) -> u32 {
        match kind {
            Kind::Token => MAX_GIVEN_TOKEN_LIFETIME,
            Kind::Refresh => self.session,
            Kind::Offline => self.offline,
            Kind::OfflineIdle => self.offline_idle,
        }
    }

    /// The first lifetime that a change by a service would make too long, and the longest that a service may set: it only shortens
    /// what is there.
    pub(super) fn find_longer(
        self,
        after: &Metadata,
        before: Option<&Metadata>,
    ) -> Option<(&'static str, u32)> {
        let known = before.map(lifetimes);
        for (
            entry,
            Lifetime {
                field,
                kind,
                seconds,
            },
        ) in lifetimes(after).into_iter().enumerate()
        {
            let before = known.as_ref().and_then(|known| known.get(entry)?.seconds);
            let longest = self.longest(kind);
            let most = before.unwrap_or(longest).min(longest);
            if seconds != before && seconds.is_none_or(|seconds| seconds > most) {
                return Some((field, longest));
            }
        }
        None
    }
}
