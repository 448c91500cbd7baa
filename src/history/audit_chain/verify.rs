//! Verifies the whole chain: computes every entry again, in bounded memory.

use std::collections::HashMap;

use serde_json::Value;

use super::append::{MAX_SEALING_DELAY, sealable_since};
use super::entry::{self, ChainKey, EntryHeader};
use super::erase::ERASED;
use super::finding::{Erasure, Finding, FindingKind, LateSeal};
use super::queries::revisions::SealedRevision;
use super::queries::{self, ChainEntry, ChainState, Coverage, SaltedHashes, revisions};
use super::{AuditChain, ChainError, EventCursor, Expected, Report};
use crate::base::clock::Timestamp;
use crate::base::hex::to_hex;
use crate::base::ids::AuditEventId;
use crate::db::{Connection, Error};
use crate::history::RecordedEvent;

const PAGE: i64 = 500;
/// About how many revisions are held in memory at the same time.
const MAX_BUFFERED: i64 = 4000;

struct ChainScan<'a> {
    key: Option<ChainKey>,
    expected: &'a [Expected],
    /// The MACs of the previous entry that the next one may be based on: the stored one and the computed ones. Empty after a gap.
    before: Vec<Vec<u8>>,
    newest_at: Option<Timestamp>,
    /// Erased events, by ID, whose erasure record was not found yet, and their positions.
    erased: HashMap<AuditEventId, i64>,
    report: Report,
}

impl AuditChain {
    /// Verifies the chain from its beginning, then searches for events that are not in it. Calls `tell` with the current position
    /// and the end of the chain.
    ///
    /// # Errors
    /// If the key can't be decrypted or the database is unavailable. Faults of the chain are listed in the report.
    pub async fn verify(
        &self,
        expected: &[Expected],
        mut tell: impl FnMut(i64, i64),
    ) -> Result<Report, ChainError> {
        let mut scan = ChainScan {
            key: None,
            expected,
            before: vec![Vec::new()],
            newest_at: None,
            erased: HashMap::new(),
            report: Report::default(),
        };
        let mut after: Option<i64> = None;
        loop {
            // Read the end of the chain before the entries: a chain that grows during the verification must not look cut.
            let (row, entries) = self
                .database
                .read(move |conn| {
                    let row = queries::find_chain_state(conn)?;
                    Ok::<_, Error>((row, queries::list_entries(conn, after, PAGE)?))
                })
                .await?;
            scan.key = match scan.key {
                Some(key) => Some(key),
                None => self.open(&row)?,
            };
            if entries.is_empty() {
                scan.verify_head(&row);
                scan.report_erasures();
                break;
            }
            for chunk in chunks(&entries) {
                let revisions = self.read_revisions(chunk).await?;
                for (entry, event) in chunk {
                    after = Some(entry.position);
                    let of_link = revisions.get(&entry.position).map(Vec::as_slice);
                    scan.verify_entry(entry, event.as_ref(), of_link.unwrap_or_default());
                }
            }
            tell(scan.report.position, row.position.max(scan.report.position));
        }
        self.check_unsealed(&mut scan).await?;
        self.check_revisions(&mut scan).await?;
        Ok(scan.report)
    }

    /// Reads the revisions of these entries, by position. Reads one more than the entries cover, to detect added ones.
    async fn read_revisions(
        &self,
        entries: &[EntryWithEvent],
    ) -> Result<RevisionsByPosition, ChainError> {
        let positions = entries.iter().map(|(entry, _)| entry.position);
        let (Some(first), Some(last)) = (positions.clone().min(), positions.max()) else {
            return Ok(RevisionsByPosition::new());
        };
        let most = count(entries).saturating_add(1);
        let read = move |conn: &mut Connection| revisions::list_sealed(conn, (first, last), most);
        let mut covering = RevisionsByPosition::new();
        for revision in self.database.read(read).await? {
            let position = revision.chain_position.unwrap_or_default();
            covering.entry(position).or_default().push(revision);
        }
        Ok(covering)
    }

    /// Counts the unsealed revisions, and finds those that refer to an entry outside of the chain.
    async fn check_revisions(&self, scan: &mut ChainScan<'_>) -> Result<(), ChainError> {
        let (waiting, positions, row) = self
            .database
            .read(|conn| {
                let waiting = revisions::count_waiting(conn)?;
                // Read before the end of the chain, so that no revision seems to refer to an entry beyond it if the chain grows.
                let positions = revisions::find_positions(conn)?;
                Ok::<_, Error>((waiting, positions, queries::find_chain_state(conn)?))
            })
            .await?;
        scan.report.unsealed_revisions = waiting;
        let (lowest, highest) = positions;
        let below = lowest.filter(|position| *position < 1);
        let beyond = highest.filter(|position| *position > row.position);
        for position in below.into_iter().chain(beyond) {
            let finding = Finding::at(FindingKind::RevisionsOutside, position, None);
            scan.report.add(finding);
        }
        Ok(())
    }

    /// Finds the events without an entry: those that will still be sealed, and those that are too old for it.
    async fn check_unsealed(&self, scan: &mut ChainScan<'_>) -> Result<(), ChainError> {
        let chain = self.clone();
        let now = self.database.read(move |conn| chain.database.now(conn));
        let edge = sealable_since(scan.newest_at, now.await?);
        let mut after: Option<EventCursor> = None;
        while let Some(edge) = edge {
            // Read all events page by page: a query for those without an entry would scan all of them before it returns.
            let page = self
                .database
                .read(move |conn| queries::list_positions(conn, edge, after, PAGE))
                .await?;
            let Some((at, id, _)) = page.last() else {
                break;
            };
            after = Some((*at, *id));
            for (_, event, _) in page.iter().filter(|(_, _, place)| place.is_none()) {
                scan.report.add(Finding::outside(*event));
            }
        }
        let chain = self.clone();
        let (now, waiting) = self
            .database
            .read(move |conn| {
                let waiting = queries::list_unsealed(conn, edge, 1)?;
                Ok::<_, Error>((chain.database.now(conn)?, waiting))
            })
            .await?;
        if let Some(event) = waiting.first() {
            scan.report.unsealed_since = Some(event.at);
            scan.report.unsealed_seconds = now.since(event.at).as_secs();
        }
        Ok(())
    }
}

type EntryWithEvent = (ChainEntry, Option<RecordedEvent>);

/// Revisions by the position of the entry that covers them.
type RevisionsByPosition = HashMap<i64, Vec<SealedRevision>>;

/// Returns how many revisions the entries cover.
fn count(entries: &[EntryWithEvent]) -> i64 {
    let revisions = |(entry, _): &EntryWithEvent| entry.covered.revisions.max(0);
    entries.iter().map(revisions).fold(0, i64::saturating_add)
}

/// Splits entries into runs whose revisions are read together: the more revisions the entries cover, the shorter the runs.
fn chunks(entries: &[EntryWithEvent]) -> Vec<&[EntryWithEvent]> {
    let mut chunks = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let mut length = 1;
        while length < rest.len()
            && rest
                .get(..=length)
                .is_some_and(|run| count(run) <= MAX_BUFFERED)
        {
            length = length.saturating_add(1);
        }
        let (chunk, left) = rest.split_at(length);
        chunks.push(chunk);
        rest = left;
    }
    chunks
}

impl ChainScan<'_> {
    fn add_fault(&mut self, kind: FindingKind, entry: &ChainEntry) {
        let finding = Finding::at(kind, entry.position, Some(entry.event));
        self.report.add(finding);
    }

    fn verify_entry(
        &mut self,
        entry: &ChainEntry,
        event: Option<&RecordedEvent>,
        revisions: &[SealedRevision],
    ) {
        if entry.position < 1 {
            self.add_fault(FindingKind::OutsideTheChain, entry);
            return;
        }
        let next = self.report.position.saturating_add(1);
        if entry.position != next {
            let last = entry.position.saturating_sub(1);
            self.report
                .add(Finding::between(FindingKind::MissingSeals, next, last));
            self.before.clear();
        }
        let macs = match event {
            Some(event) => self.verify_event(entry, event),
            None => {
                self.add_fault(FindingKind::MissingEvent, entry);
                Vec::new()
            }
        };
        self.compare_with_expected(entry);
        self.note_delay(entry, event);
        self.compare_revisions(entry, revisions);
        if let Some(event) = event {
            self.note_erasure(entry, event, macs.contains(&entry.mac));
        }
        self.report.sealed = self.report.sealed.saturating_add(1);
        self.report.position = entry.position;
        self.report.mac = to_hex(&entry.mac);
        self.report.sealed_at = Some(entry.sealed_at);
        // The next entry may be based on the stored MAC or, if only the stored MAC was altered, on the computed one.
        self.before = macs;
        if !self.before.contains(&entry.mac) {
            self.before.push(entry.mac.clone());
        }
    }

    /// Compares an entry with its event. Returns the MAC that the entry should have, for each possible MAC of the previous entry.
    fn verify_event(&mut self, entry: &ChainEntry, event: &RecordedEvent) -> Vec<Vec<u8>> {
        let are_hashes_valid = match &entry.salt {
            Some(salt) => SaltedHashes::of(event, salt) == entry.salted_hashes,
            None => {
                self.report.erased = self.report.erased.saturating_add(1);
                entry::is_erased(event)
            }
        };
        let macs: Vec<Vec<u8>> = match &self.key {
            Some(key) => self
                .before
                .iter()
                .map(|before| {
                    let place = EntryHeader {
                        position: entry.position,
                        before,
                        sealed_at: entry.sealed_at,
                    };
                    entry::mac(key, place, event, &entry.salted_hashes, &entry.covered)
                })
                .collect(),
            None => Vec::new(),
        };
        let is_proven = macs.contains(&entry.mac);
        // After a gap the MAC can't be computed; the gap itself is reported already.
        let is_mac_valid =
            (is_proven || self.before.is_empty()) && entry.covered.is_complete(event);
        let is_unread = event.details.raw.is_some();
        let is_as_written = event.details.is_canonical || is_unread;
        if !are_hashes_valid || !is_as_written || !is_mac_valid {
            self.add_fault(FindingKind::Altered, entry);
        } else if is_unread {
            self.add_fault(FindingKind::Unreadable, entry);
        } else if sealable_since(self.newest_at, entry.sealed_at)
            .is_some_and(|from| event.at < from)
        {
            self.add_fault(FindingKind::SealedTooLate, entry);
        }
        if is_proven {
            self.newest_at = self.newest_at.max(Some(event.at));
        }
        macs
    }

    /// Compares the revisions that refer to an entry with what was sealed.
    fn compare_revisions(&mut self, entry: &ChainEntry, revisions: &[SealedRevision]) {
        let found = Coverage {
            layout: entry.covered.layout,
            ..Coverage::new(revisions)
        };
        let are_plain = revisions.iter().all(|revision| revision.data.is_canonical);
        if found != entry.covered || !are_plain {
            self.add_fault(FindingKind::RevisionsAltered, entry);
        }
        let covered = entry.covered.revisions.max(0);
        self.report.revisions = self.report.revisions.saturating_add(covered);
    }

    /// Notes that an event was erased until the event that records the erasure is found, which comes later in the chain.
    fn note_erasure(&mut self, entry: &ChainEntry, event: &RecordedEvent, is_proven: bool) {
        if entry.salt.is_none() && entry::is_erased(event) {
            self.erased.insert(entry.event, entry.position);
        }
        if event.action != ERASED || !is_proven || entry.salt.is_none() {
            return;
        }
        let named = event.details.value.get("event").and_then(Value::as_str);
        let Some(erased) = named.and_then(AuditEventId::parse) else {
            return;
        };
        if let Some(position) = self.erased.remove(&erased) {
            self.report.add_erasure(Erasure {
                position,
                event: erased,
                erased_at: event.at,
                actor: event.actor.clone(),
                operator: event.operator.clone(),
                reason: event.reason.clone(),
            });
        }
    }

    /// Reports the erasures without a record.
    fn report_erasures(&mut self) {
        let mut left: Vec<(i64, AuditEventId)> = self
            .erased
            .drain()
            .map(|(event, position)| (position, event))
            .collect();
        left.sort_unstable();
        for (position, event) in left {
            let finding = Finding::at(FindingKind::ErasedWithoutRecord, position, Some(event));
            self.report.add(finding);
        }
    }

    /// Records how long the event waited to be sealed. Long waits reveal a chain that was rebuilt, and an event that was
    /// backdated into a quiet period in which nothing newer was sealed.
    fn note_delay(&mut self, entry: &ChainEntry, event: Option<&RecordedEvent>) {
        let waited = event.map(|event| entry.sealed_at.since(event.at));
        let waited = waited.unwrap_or_default();
        let seconds = waited.as_secs();
        if waited > MAX_SEALING_DELAY {
            self.report.add_late(LateSeal {
                position: entry.position,
                event: entry.event,
                seconds,
            });
        }
        if seconds > self.report.longest_wait_seconds {
            self.report.longest_wait_seconds = seconds;
            self.report.longest_wait_position = entry.position;
        }
    }

    /// Compares the entry with the expected MAC of its position, if there is one.
    fn compare_with_expected(&mut self, entry: &ChainEntry) {
        let mac = to_hex(&entry.mac);
        let is_other = |kept: &Expected| kept.position == entry.position && kept.mac != mac;
        if self.expected.iter().any(is_other) {
            self.add_fault(FindingKind::Fork, entry);
        }
    }

    fn verify_head(&mut self, row: &ChainState) {
        let last = self.report.position;
        let next = last.saturating_add(1);
        let expected = self.expected.iter().map(|kept| kept.position).max();
        let recorded = row.position.max(expected.unwrap_or_default());
        if recorded > last {
            self.report
                .add(Finding::between(FindingKind::CutTail, next, recorded));
        }
        // Events whose MAC could not be verified are not counted in `newest_at`, so it is only compared if no fault was found.
        let is_newest = self.report.faults > 0 || row.newest_at == self.newest_at;
        let is_end = to_hex(&row.mac) == self.report.mac && is_newest;
        if row.position < last || (row.position == last && !is_end) {
            self.report
                .add(Finding::at(FindingKind::HeadAltered, last, None));
        }
    }
}
