//! The one sealer at work: under a lease, and with the sealer's row held, so that two can never fork the chain.

use std::time::Duration;

use super::chain::{self, Covered, Place, Traces};
use super::queries::{self, SealRow, SealerRow, revisions};
use super::{AuditSeal, Head, SealError};
use crate::base::clock::Timestamp;
use crate::base::ids::SealingId;
use crate::base::secrets::random_bytes;
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};

/// How long a sealer that says nothing keeps others waiting.
const LEASE: Duration = Duration::from_secs(10);
/// How many events one transaction seals: so many are sealed well within the time that a change may take.
const STEP: usize = 500;
/// About how many revisions one transaction seals, with the first of its events.
const MOST_REVISIONS: i64 = 2000;
/// How many transactions one turn makes: then others hear how far it is.
const STEPS: usize = 20;
/// How much older than the newest sealed event an event may be and still be sealed: far more than any transaction may take
/// from its instant to its commit. What is older and not in the chain was put there by hand. After a time in which nothing happened
/// the newest is old itself: what is dated back into that time is sealed, and told by its wait.
///
/// It is also what a look costs: every event of this time before the newest sealed one is looked up among the seals, sealed or not,
/// because one that is committed late may lie anywhere between them, and no column of both databases tells the order of commits.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// From when on events are sealed, at an instant of the database's clock. A clock that was ahead once holds back nothing later.
pub(super) fn from(newest_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    newest_at.map(|at| at.min(now).before(LATE))
}

/// What there is to do.
#[derive(Clone, Debug)]
pub struct Look {
    /// The newest seal.
    pub head: Head,
    /// The time of the oldest event that waits for its seal.
    pub unsealed_since: Option<Timestamp>,
    /// The database's clock.
    pub now: Timestamp,
    /// Whether revisions are unsealed for so long that no event of their transaction will follow.
    pub are_revisions_left: bool,
    /// Whether it is this process's turn to seal.
    pub is_ours: bool,
}

impl SealerRow {
    /// A lease that reaches further than one is given was given by a clock that was ahead.
    fn is_free_for(&self, holder: SealingId, now: Timestamp) -> bool {
        let is_good = |until| now < until && until <= now.after(LEASE);
        self.holder == Some(holder) || !self.leased_until.is_some_and(is_good)
    }

    fn head(&self) -> Head {
        Head {
            position: self.position,
            mac: self.mac.clone(),
        }
    }
}

impl AuditSeal {
    /// Looks whether events wait for their seal, and whose turn it is. Changes nothing. Where none waits, it has read two index
    /// entries for each event of the last minute (`LATE`), whatever the length of the log; each step of the work reads the same.
    pub async fn look(&self) -> db::Result<Look> {
        let seal = self.clone();
        self.database
            .read(move |conn| {
                let row = queries::find_sealer(conn)?;
                let now = seal.database.now(conn)?;
                let from = from(row.newest_at, now);
                let waiting = queries::list_unsealed(conn, (from, None), None, 1)?;
                Ok(Look {
                    head: row.head(),
                    unsealed_since: waiting.first().map(|event| event.at),
                    are_revisions_left: revisions::is_any_waiting(conn, now.before(LATE))?,
                    now,
                    is_ours: row.is_free_for(seal.holder, now),
                })
            })
            .await
    }

    /// Seals the events that wait, many steps of them, if it is this process's turn; how many. Another's turn: none.
    ///
    /// # Errors
    /// When the key can't be opened or the database is away; what was sealed before stays sealed.
    pub async fn work(&self, look: &Look) -> Result<usize, SealError> {
        let waits = look.unsealed_since.is_some() || look.are_revisions_left;
        if !look.is_ours || !waits {
            return Ok(0);
        }
        let mut sealed: usize = 0;
        for _ in 0..STEPS {
            let step = self.step().await?;
            sealed = sealed.saturating_add(step);
            if step < STEP {
                break;
            }
        }
        Ok(sealed)
    }

    /// Looks and works.
    ///
    /// # Errors
    /// As [`AuditSeal::look`] and [`AuditSeal::work`].
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub async fn run(&self) -> Result<usize, SealError> {
        let look = self.look().await?;
        self.work(&look).await
    }

    /// One transaction; how many events it sealed. None where another process holds the lease.
    async fn step(&self) -> Result<usize, SealError> {
        let seal = self.clone();
        self.database
            .write(move |conn| {
                let row = queries::lock_sealer(conn)?;
                let now = seal.database.now(conn)?;
                if !row.is_free_for(seal.holder, now) {
                    return Ok(0);
                }
                queries::lease(conn, seal.holder, now.after(LEASE))?;
                seal.link(conn, row, now)
            })
            .await
    }

    /// Adds links for the events that wait. The caller holds the sealer's row.
    fn link(
        &self,
        conn: &mut Connection,
        row: SealerRow,
        now: Timestamp,
    ) -> Result<usize, SealError> {
        let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
        let from = from(row.newest_at, now);
        let mut events = queries::list_unsealed(conn, (from, None), None, limit)?;
        if events.is_empty() {
            if !revisions::is_any_waiting(conn, now.before(LATE))? {
                return Ok(0);
            }
            // Revisions without an event, or more than one link covers, get an event of their own.
            let event = Event::done("audit.revisions_sealed");
            history::record(conn, now, &Author::doorward(), event)?;
            events = queries::list_unsealed(conn, (from, None), None, limit)?;
        }
        let first = row.position.saturating_add(1);
        let mut revisions = revisions::take_waiting(conn, first, MOST_REVISIONS)?;
        let key = self.key(conn, &row)?;
        let (mut position, mut before, mut newest_at) = (row.position, row.mac, row.newest_at);
        let mut links = Vec::with_capacity(events.len());
        for event in &events {
            position = position.saturating_add(1);
            if event.unread_details.is_some() {
                tracing::error!(event = %event.id, "an audit event's details can't be parsed; sealing the stored text");
            }
            let salt: [u8; 32] = random_bytes();
            let traces = Traces::of(event, &salt);
            let place = Place {
                position,
                before: &before,
                sealed_at: now,
            };
            let covered = Covered::new(&std::mem::take(&mut revisions));
            let mac = chain::mac(&key, place, event, &traces, &covered);
            let link = SealRow {
                position,
                event: event.id,
                salt: Some(salt.to_vec()),
                traces,
                mac,
                sealed_at: now,
                covered,
            };
            before.clone_from(&link.mac);
            links.push(link);
            newest_at = newest_at.max(Some(event.at));
        }
        queries::insert_seals(conn, &links)?;
        queries::update_head(conn, position, &before, newest_at)?;
        Ok(events.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_sealed_from_a_minute_before_the_newest_and_no_clock_that_was_ahead_counts() {
        let now = Timestamp::from_micros(1_795_000_000_000_000);
        let newest = now.before(Duration::from_secs(5));
        assert_eq!(from(None, now), None, "all of them");
        assert_eq!(from(Some(newest), now), Some(newest.before(LATE)));
        let ahead = now.after(Duration::from_secs(86_400));
        assert_eq!(from(Some(ahead), now), Some(now.before(LATE)));
        assert_eq!(LATE, Duration::from_secs(60));
    }

    #[test]
    fn a_lease_is_its_holders_until_it_ends_and_no_lease_reaches_further_than_one_is_given() {
        let now = Timestamp::from_micros(1_795_000_000_000_000);
        let (holder, other) = (SealingId::random(), SealingId::random());
        let free_for = |who, until: Option<Timestamp>| {
            let row = SealerRow {
                sealed_key: None,
                position: 0,
                mac: Vec::new(),
                newest_at: None,
                holder: Some(holder),
                leased_until: until,
            };
            row.is_free_for(who, now)
        };
        let moment = Duration::from_micros(1);
        assert!(!free_for(other, Some(now.after(moment))));
        assert!(!free_for(other, Some(now.after(LEASE))));
        assert!(free_for(other, Some(now)), "it is over");
        assert!(free_for(other, Some(now.after(LEASE).after(moment))));
        assert!(free_for(other, None));
        assert!(free_for(holder, Some(now.after(LEASE))));
    }
}
