//! When a key is followed by the next: pure rules of time.

use std::time::Duration;

use super::key::{SigningKey, newest};
use crate::base::clock::Timestamp;
use crate::base::config;

/// How far apart the clocks of instances and services may be.
const SKEW: Duration = Duration::from_secs(60);
/// What is signed may live this long although no setting says so (logout tokens, tokens of services).
const LEAST_OVERLAP: Duration = Duration::from_secs(3_600);

/// How long keys wait, sign and stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// From one key's turn to the next one's.
    rotation: Duration,
    /// How long before its turn a key is published: longer than services keep the JWKS.
    lead: Duration,
    /// How long after its turn a key stays published: longer than what it signed lives.
    overlap: Duration,
}

/// Why somebody looks whether a key is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// An instance starts: a first key, if there is none.
    Start,
    /// Time passed: a successor, if it is due.
    Time,
    /// Somebody asked: a successor, unless one waits already.
    Order,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Nothing.
    Rest,
    /// Nothing: this successor waits for its turn already.
    Waits(&'a SigningKey),
    /// Nobody signs: a key that does at once.
    MakeNow,
    /// A key that is published now and signs when services had time to fetch it.
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

    /// When a key signs that is published now.
    pub(super) fn turn(&self, now: Timestamp) -> Timestamp {
        now.after(self.lead)
    }

    /// When a key leaves the JWKS whose successor signs from `turn` on.
    pub(super) fn end(&self, turn: Timestamp) -> Timestamp {
        turn.after(self.overlap)
    }

    /// What is to be done for one algorithm, whose keys these are.
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
