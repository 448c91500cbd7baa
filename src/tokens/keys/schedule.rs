//! The rotation schedule: when a key is followed by the next. Pure functions of time.

use std::time::Duration;

use super::key::{SigningKey, newest};
use crate::base::clock::Timestamp;
use crate::base::config;

/// How far the clocks of instances and services may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// Maximum lifetime of signed tokens that no setting limits (logout tokens, tokens of services).
const MIN_OVERLAP: Duration = Duration::from_secs(3_600);

/// How long keys are published before they sign, sign, and stay published afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// From the signing start of a key to that of the next one.
    rotation: Duration,
    /// How long before its signing start a key is published: longer than services cache the JWKS.
    lead: Duration,
    /// How long after its successor's signing start a key stays published: longer than the lifetime of what it signed.
    overlap: Duration,
}

/// Why the keys are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// An instance started: create the first key, if there is none.
    Start,
    /// Periodic check: create a successor, if it is due.
    Periodic,
    /// Requested by an administrator: create a successor, unless one is waiting already.
    Requested,
}

/// The action that the schedule requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RotationStep<'a> {
    /// No key is needed.
    NoAction,
    /// No key is needed: this successor is waiting to sign.
    AlreadyWaiting(&'a SigningKey),
    /// No key signs: create one that signs immediately.
    CreateActive,
    /// Create a key that is published now and signs once services had time to fetch it.
    CreateNext,
}

impl Schedule {
    pub(super) fn new(config: &config::Tokens) -> Self {
        let longest = config
            .access_lifetime
            .max(config.id_lifetime)
            .max(config.max_client_lifetime)
            .max(MIN_OVERLAP);
        Self {
            rotation: config.key_rotation,
            lead: config.jwks_max_age.saturating_add(CLOCK_SKEW),
            overlap: longest.saturating_add(CLOCK_SKEW),
        }
    }

    /// Returns when a key that is published now begins to sign.
    pub(super) fn signing_start(&self, now: Timestamp) -> Timestamp {
        now.after(self.lead)
    }

    /// Returns when a key leaves the JWKS whose successor signs from `signing_start` on.
    pub(super) fn end(&self, signing_start: Timestamp) -> Timestamp {
        signing_start.after(self.overlap)
    }

    /// Returns the action for one algorithm, given all its keys.
    pub(super) fn step<'a>(
        &self,
        keys: &'a [SigningKey],
        now: Timestamp,
        trigger: Trigger,
    ) -> RotationStep<'a> {
        let Some(newest) = newest(keys).filter(|newest| !newest.is_retired(now)) else {
            return RotationStep::CreateActive;
        };
        let due = newest.signs_from.after(self.rotation).before(self.lead);
        match trigger {
            Trigger::Requested | Trigger::Periodic if newest.signs_from > now => {
                RotationStep::AlreadyWaiting(newest)
            }
            Trigger::Requested => RotationStep::CreateNext,
            Trigger::Periodic if due <= now => RotationStep::CreateNext,
            Trigger::Periodic | Trigger::Start => RotationStep::NoAction,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::SigningKeyId;
    use crate::clients::Algorithm;

    const DAY: Duration = Duration::from_secs(86_400);
    const MINUTE: Duration = Duration::from_secs(60);

    fn schedule() -> Schedule {
        let config = crate::base::config::Config::load(None).expect("the defaults");
        Schedule::new(&config.tokens)
    }

    fn key(generation: i64, signs_from: Timestamp) -> SigningKey {
        SigningKey {
            id: SigningKeyId::random(),
            algorithm: Algorithm::ES256,
            generation,
            public: serde_json::Map::new(),
            published_at: signs_from,
            signs_from,
            retires_at: None,
            compromised_at: None,
            created_at: signs_from,
            version: 1,
            as_of: signs_from,
        }
    }

    #[test]
    fn a_successor_is_published_before_it_is_needed() {
        let start = Timestamp::from_micros(0);
        let keys = [key(1, start)];
        let due = start.after(90 * DAY).before(11 * MINUTE);
        let early = due.before(MINUTE);
        assert_eq!(
            schedule().step(&keys, early, Trigger::Periodic),
            RotationStep::NoAction
        );
        assert_eq!(
            schedule().step(&keys, due, Trigger::Periodic),
            RotationStep::CreateNext
        );
        assert_eq!(
            schedule().step(&keys, due, Trigger::Start),
            RotationStep::NoAction
        );
        assert_eq!(schedule().signing_start(due), start.after(90 * DAY));
        assert_eq!(schedule().end(due), due.after(61 * MINUTE));
    }

    #[test]
    fn only_one_successor_is_created() {
        let now = Timestamp::from_micros(0);
        let keys = [key(1, now.before(DAY)), key(2, now.after(MINUTE))];
        let waits = RotationStep::AlreadyWaiting(&keys[1]);
        assert_eq!(schedule().step(&keys, now, Trigger::Requested), waits);
        assert_eq!(schedule().step(&keys, now, Trigger::Periodic), waits);
        let signing_start = now.after(MINUTE);
        let step = schedule().step(&keys, signing_start, Trigger::Requested);
        assert_eq!(step, RotationStep::CreateNext);
    }

    #[test]
    fn without_an_active_key_a_new_one_signs_immediately() {
        let now = Timestamp::from_micros(0);
        assert_eq!(
            schedule().step(&[], now, Trigger::Start),
            RotationStep::CreateActive
        );
        let mut keys = [key(1, now.before(DAY))];
        keys[0].compromised_at = Some(now);
        assert_eq!(
            schedule().step(&keys, now, Trigger::Periodic),
            RotationStep::CreateActive
        );
    }
}
