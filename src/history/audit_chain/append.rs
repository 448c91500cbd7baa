//! Adds entries to the chain, under a lease and with the chain state locked, so that two instances can't fork the chain.

use std::time::Duration;

use super::entry::{self, EntryHeader};
use super::queries::{self, ChainEntry, ChainState, Coverage, SaltedHashes, revisions};
use super::{AuditChain, ChainError, ChainHead};
use crate::base::clock::Timestamp;
use crate::base::ids::AuditChainWriterId;
use crate::base::secrets::random_bytes;
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};

/// Duration of the lease: how long other instances wait if its holder stops.
const LEASE: Duration = Duration::from_secs(10);
/// How many events one transaction seals. This takes well under the time that a change may take.
const BATCH_SIZE: usize = 500;
/// About how many revisions one transaction seals, with the first of its events.
const MAX_REVISIONS: i64 = 2000;
/// How many transactions one call runs before it returns, so that the caller can report progress.
const MAX_BATCHES: usize = 20;
/// How much older than the newest sealed event an event may be and still be sealed: far more than any transaction may take from
/// its time to its commit. Older unsealed events were inserted by hand. After a quiet period the newest sealed event is old
/// itself, so an event backdated into that period is sealed, and its delay reported.
///
/// This also determines the cost of polling: every event of this period before the newest sealed one is looked up among
/// the entries, because an event that was committed late may be anywhere between them, and no column that both
/// databases have orders commits.
pub(super) const MAX_SEALING_DELAY: Duration = Duration::from_secs(60);

/// Returns the time from which on events are sealed. `now` limits it: if a clock was ahead once, later events are not excluded.
pub(super) fn sealable_since(newest_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    newest_at.map(|at| at.min(now).before(MAX_SEALING_DELAY))
}

/// State of the chain, and whether this process may seal events.
#[derive(Clone, Debug)]
pub struct ChainStatus {
    /// The end of the chain.
    pub head: ChainHead,
    /// Time of the oldest event that is not sealed yet.
    pub unsealed_since: Option<Timestamp>,
    /// Time of the database's clock.
    pub now: Timestamp,
    /// Whether revisions have been unsealed for so long that no event of their transaction will follow.
    pub are_revisions_left: bool,
    /// Whether this process may seal: it holds the lease, or no other process does.
    pub may_seal: bool,
}

impl ChainState {
    /// Returns whether a process may take the lease. Ignores a lease that ends too late, granted by a clock that was ahead.
    fn is_free_for(&self, holder: AuditChainWriterId, now: Timestamp) -> bool {
        let is_good = |until| now < until && until <= now.after(LEASE);
        self.holder == Some(holder) || !self.leased_until.is_some_and(is_good)
    }

    fn head(&self) -> ChainHead {
        ChainHead {
            position: self.position,
            mac: self.mac.clone(),
        }
    }
}

impl AuditChain {
    /// Returns the state of the chain, and changes nothing. If no event waits, this reads two index entries for each event since
    /// a minute (`MAX_SEALING_DELAY`) before the newest sealed one, whatever the length of the log; each transaction of [`AuditChain::seal_pending`] reads the same.
    pub async fn status(&self) -> db::Result<ChainStatus> {
        let chain = self.clone();
        self.database
            .read(move |conn| {
                let row = queries::find_chain_state(conn)?;
                let now = chain.database.now(conn)?;
                let from = sealable_since(row.newest_at, now);
                let waiting = queries::list_unsealed(conn, from, 1)?;
                Ok(ChainStatus {
                    head: row.head(),
                    unsealed_since: waiting.first().map(|event| event.at),
                    are_revisions_left: revisions::is_any_waiting(
                        conn,
                        now.before(MAX_SEALING_DELAY),
                    )?,
                    now,
                    may_seal: row.is_free_for(chain.holder, now),
                })
            })
            .await
    }

    /// Seals the waiting events in several transactions. Returns how many it sealed; 0 if another process holds the lease.
    ///
    /// # Errors
    /// If the key can't be decrypted or the database is unavailable. What was sealed before stays sealed.
    pub async fn seal_pending(&self, status: &ChainStatus) -> Result<usize, ChainError> {
        let waits = status.unsealed_since.is_some() || status.are_revisions_left;
        if !status.may_seal || !waits {
            return Ok(0);
        }
        let mut sealed: usize = 0;
        for _ in 0..MAX_BATCHES {
            let step = self.seal_batch().await?;
            sealed = sealed.saturating_add(step);
            if step < BATCH_SIZE {
                break;
            }
        }
        Ok(sealed)
    }

    /// Calls [`AuditChain::status`] and [`AuditChain::seal_pending`].
    #[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
    pub async fn run(&self) -> Result<usize, ChainError> {
        let status = self.status().await?;
        self.seal_pending(&status).await
    }

    /// Runs one transaction. Returns how many events it sealed; 0 if another process holds the lease.
    async fn seal_batch(&self) -> Result<usize, ChainError> {
        let chain = self.clone();
        self.database
            .write(move |conn| {
                let row = queries::lock_chain_state(conn)?;
                let now = chain.database.now(conn)?;
                if !row.is_free_for(chain.holder, now) {
                    return Ok(0);
                }
                queries::lease(conn, chain.holder, now.after(LEASE))?;
                chain.append_entries(conn, row, now)
            })
            .await
    }

    /// Adds entries for the waiting events. The caller must hold the lock of the chain state.
    fn append_entries(
        &self,
        conn: &mut Connection,
        row: ChainState,
        now: Timestamp,
    ) -> Result<usize, ChainError> {
        let limit = i64::try_from(BATCH_SIZE).unwrap_or(i64::MAX);
        let from = sealable_since(row.newest_at, now);
        let mut events = queries::list_unsealed(conn, from, limit)?;
        if events.is_empty() {
            if !revisions::is_any_waiting(conn, now.before(MAX_SEALING_DELAY))? {
                return Ok(0);
            }
            // Revisions that no event follows, or that are too many for one entry, get an event of their own.
            let event = Event::done("audit.revisions_sealed");
            history::record(conn, now, &Author::doorward(), event)?;
            events = queries::list_unsealed(conn, from, limit)?;
        }
        let first = row.position.saturating_add(1);
        let mut revisions = revisions::take_waiting(conn, first, MAX_REVISIONS)?;
        let key = self.key(conn, &row)?;
        let (mut position, mut before, mut newest_at) = (row.position, row.mac, row.newest_at);
        let mut entries = Vec::with_capacity(events.len());
        for event in &events {
            position = position.saturating_add(1);
            if event.details.raw.is_some() {
                tracing::error!(event = %event.id, "an audit event's details can't be parsed; sealing the stored text");
            }
            let salt: [u8; 32] = random_bytes();
            let salted_hashes = SaltedHashes::of(event, &salt);
            let place = EntryHeader {
                position,
                before: &before,
                sealed_at: now,
            };
            let covered = Coverage::new(&std::mem::take(&mut revisions));
            let mac = entry::mac(&key, place, event, &salted_hashes, &covered);
            let entry = ChainEntry {
                position,
                event: event.id,
                salt: Some(salt.to_vec()),
                salted_hashes,
                mac,
                sealed_at: now,
                covered,
            };
            before.clone_from(&entry.mac);
            entries.push(entry);
            newest_at = newest_at.max(Some(event.at));
        }
        queries::insert_entries(conn, &entries)?;
        queries::update_head(conn, position, &before, newest_at)?;
        Ok(events.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_at_most_a_minute_old_are_sealed_and_clocks_ahead_are_ignored() {
        let now = Timestamp::from_micros(1_795_000_000_000_000);
        let newest = now.before(Duration::from_secs(5));
        assert_eq!(sealable_since(None, now), None, "all of them");
        assert_eq!(
            sealable_since(Some(newest), now),
            Some(newest.before(MAX_SEALING_DELAY))
        );
        let ahead = now.after(Duration::from_secs(86_400));
        assert_eq!(
            sealable_since(Some(ahead), now),
            Some(now.before(MAX_SEALING_DELAY))
        );
        assert_eq!(MAX_SEALING_DELAY, Duration::from_secs(60));
    }

    #[test]
    fn a_lease_belongs_to_its_holder_until_it_expires_and_has_a_maximum_length() {
        let now = Timestamp::from_micros(1_795_000_000_000_000);
        let (holder, other) = (AuditChainWriterId::random(), AuditChainWriterId::random());
        let free_for = |who, until: Option<Timestamp>| {
            let row = ChainState {
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
