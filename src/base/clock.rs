//! Timestamps, durations, and the only code that reads the operating system's clocks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A UTC timestamp in microseconds, the precision that both databases store without loss.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a timestamp from microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Adds a duration, saturating at the last timestamp.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// Subtracts a duration, saturating at the first timestamp.
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// Returns the duration from `earlier` to this timestamp, or zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Formats as RFC 3339 in UTC with microseconds, for example `2026-11-23T08:00:00.000000Z`.
    pub fn to_rfc3339(self) -> String {
        self.date_time()
            .to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// Formats for pages without JavaScript: `23 Nov 2026, 08:00 UTC`.
    pub fn to_plain_text(self) -> String {
        self.date_time().format("%-d %b %Y, %H:%M UTC").to_string()
    }

    /// Parses RFC 3339; `None` if the text is not a timestamp.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| Self(at.timestamp_micros()))
    }

    fn date_time(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_rfc3339())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_rfc3339())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("must be an RFC 3339 time"))
    }
}

/// Source of the current time. Passed down from `app`, so that tests can replace it with a clock that they advance.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
#[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Returns the operating system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a clock that starts at the system's time and moves only by [`Clock::advance`].
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(
            system_now().as_micros(),
        ))))
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(at) => Timestamp::from_micros(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; has no effect on the system clock.
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(at) = &self.0 {
            at.fetch_add(micros(by), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the OS")]
fn system_now() -> Timestamp {
    Timestamp::from_micros(Utc::now().timestamp_micros())
}

/// Measures durations with the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the OS")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Returns the time since the start, in microseconds.
    pub fn elapsed_micros(self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_round_trips_through_its_text_form() {
        let at = Timestamp::from_micros(1_795_000_000_123_456);
        assert_eq!(Timestamp::parse(&at.to_rfc3339()), Some(at));
    }

    #[test]
    fn a_manual_clock_moves_only_when_advanced() {
        let clock = Clock::manual();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now().since(before), Duration::from_secs(60));
    }
}
