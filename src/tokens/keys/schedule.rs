//! The rotation schedule: when a key is followed by the next. Pure functions of time.

use std::time::Duration;

use super::key::{SigningKey, newest};
use crate::base::clock::Timestamp;
use crate::base::config;

/// How far the clocks of instances and services may differ.
const SKEW: Duration = Duration::from_secs(60);
/// Maximum lifetime of signed tokens that no setting limits (logout tokens, tokens of services).
const LEAST_OVERLAP: Duration = Duration::from_secs(3_600);

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
pub(super) enum Occasion {
    /// An instance started: create the first key, if there is none.
    Start,
    /// Periodic check: create a successor, if it is due.
    Time,
    /// Requested by an administrator: create a successor, unless one is waiting already.
    Order,
}

/// The action that the schedule requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// No key is needed.
    Rest,
    /// No key is needed: this successor is waiting to sign.
    Waits(&'a SigningKey),
    /// No key signs: create one that signs immediately.
    MakeNow,
    /// Create a key that is published now and signs once services had time to fetch it.
    MakeNext,
}

impl Schedule {
    pub(super) fn new(config: &config::Tokens) -> Self {
        let longest = config
            .access_lifetime
            .max(config.id_lifetime)
            .max(config.max_client_lifetime)
            .max(LEAST_OVERLAP);
        Self {
            rotation: config.key_rotation,
            lead: config.jwks_max_age.saturating_add(SKEW),
            overlap: longest.saturating_add(SKEW),
        }
    }

    /// Returns when a key that is published now begins to sign.
    pub(super) fn turn(&self, now: Timestamp) -> Timestamp {
        now.after(self.lead)
    }

    /// Returns when a key leaves the JWKS whose successor signs from `turn` on.
    pub(super) fn end(&self, turn: Timestamp) -> Timestamp {
        turn.after(self.overlap)
    }

    /// Returns the action for one algorithm, given all its keys.
    pub(super) fn step<'a>(
        &self,
        keys: &'a [SigningKey],
        now: Timestamp,
        occasion: Occasion,
    ) -> Step<'a> {
        let Some(newest) = newest(keys).filter(|newest| !newest.is_retired(now)) else {
            return Step::MakeNow;
        };
        let due = newest.signs_from.after(self.rotation).before(self.lead);
        match occasion {
            Occasion::Order | Occasion::Time if newest.signs_from > now => Step::Waits(newest),
            Occasion::Order => Step::MakeNext,
            Occasion::Time if due <= now => Step::MakeNext,
            Occasion::Time | Occasion::Start => Step::Rest,
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
    fn a_successor_is_published_so_early_that_its_turn_comes_on_time() {
        let start = Timestamp::from_micros(0);
        let keys = [key(1, start)];
        let due = start.after(90 * DAY).before(11 * MINUTE);
        let early = due.before(MINUTE);
        assert_eq!(schedule().step(&keys, early, Occasion::Time), Step::Rest);
        assert_eq!(schedule().step(&keys, due, Occasion::Time), Step::MakeNext);
        assert_eq!(schedule().step(&keys, due, Occasion::Start), Step::Rest);
        assert_eq!(schedule().turn(due), start.after(90 * DAY));
        assert_eq!(schedule().end(due), due.after(61 * MINUTE));
    }

    #[test]
    fn nobody_makes_a_second_successor() {
        let now = Timestamp::from_micros(0);
        let keys = [key(1, now.before(DAY)), key(2, now.after(MINUTE))];
        let waits = Step::Waits(&keys[1]);
        assert_eq!(schedule().step(&keys, now, Occasion::Order), waits);
        assert_eq!(schedule().step(&keys, now, Occasion::Time), waits);
        let turn = now.after(MINUTE);
        let step = schedule().step(&keys, turn, Occasion::Order);
        assert_eq!(step, Step::MakeNext);
    }

    #[test]
    fn without_a_key_that_may_sign_one_signs_at_once() {
        let now = Timestamp::from_micros(0);
        assert_eq!(schedule().step(&[], now, Occasion::Start), Step::MakeNow);
        let mut keys = [key(1, now.before(DAY))];
        keys[0].compromised_at = Some(now);
        assert_eq!(schedule().step(&keys, now, Occasion::Time), Step::MakeNow);
    }
}
