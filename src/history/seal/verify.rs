//! Verifies the whole chain: computes every entry again, in bounded memory.

use std::collections::HashMap;

use serde_json::Value;

use super::chain::{self, ChainKey, Covered, Place, Traces};
use super::erase::ERASED;
use super::finding::{Erasure, Fault, Finding, LateSeal};
use super::queries::revisions::SealedRevision;
use super::queries::{self, LinkedEvent, SealRow, SealerRow, revisions};
use super::step::{LATE, from};
use super::{AuditSeal, EventCursor, Expected, Report, SealError};
use crate::base::clock::Timestamp;
use crate::base::hex::to_hex;
use crate::base::ids::AuditEventId;
use crate::db::{Connection, Error};
use crate::history::RecordedEvent;

const PAGE: i64 = 500;
/// About how many revisions are held in memory at the same time.
const MOST: i64 = 4000;

struct Walk<'a> {
    key: Option<ChainKey>,
    expected: &'a [Expected],
    /// The MACs of the previous entry that the next one may be based on: the stored one and the computed ones. Empty after a gap.
    before: Vec<Vec<u8>>,
    newest_at: Option<Timestamp>,
    /// Erased events, by ID, whose erasure record was not found yet, and their positions.
    erased: HashMap<AuditEventId, i64>,
    report: Report,
}

impl AuditSeal {
    /// Verifies the chain from its beginning, then searches for events that are not in it. Calls `tell` with the current position
    /// and the end of the chain.
    ///
    /// # Errors
    /// If the key can't be decrypted or the database is unavailable. Faults of the chain are listed in the report.
    pub async fn verify(
        &self,
        expected: &[Expected],
        mut tell: impl FnMut(i64, i64),
    ) -> Result<Report, SealError> {
        let mut walk = Walk {
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
            let (row, links) = self
                .database
                .read(move |conn| {
                    let row = queries::find_sealer(conn)?;
                    Ok::<_, Error>((row, queries::list_links(conn, after, PAGE)?))
                })
                .await?;
            walk.key = match walk.key {
                Some(key) => Some(key),
                None => self.open(&row)?,
            };
            if links.is_empty() {
                walk.end(&row);
                walk.end_erasures();
                break;
            }
            for chunk in chunks(&links) {
                let revisions = self.read_revisions(chunk).await?;
                for (link, event) in chunk {
                    after = Some(link.position);
                    let of_link = revisions.get(&link.position).map(Vec::as_slice);
                    walk.follow(link, event.as_ref(), of_link.unwrap_or_default());
                }
            }
            tell(walk.report.position, row.position.max(walk.report.position));
        }
        self.look_outside(&mut walk).await?;
        self.look_at_revisions(&mut walk).await?;
        Ok(walk.report)
    }

    /// Reads the revisions of these entries, by position. Reads one more than the entries cover, to detect added ones.
    async fn read_revisions(&self, links: &[Linked]) -> Result<Covering, SealError> {
        let positions = links.iter().map(|(link, _)| link.position);
        let (Some(first), Some(last)) = (positions.clone().min(), positions.max()) else {
            return Ok(Covering::new());
        };
        let most = count(links).saturating_add(1);
        let read = move |conn: &mut Connection| revisions::list_sealed(conn, (first, last), most);
        let mut covering = Covering::new();
        for revision in self.database.read(read).await? {
            let position = revision.sealed_in.unwrap_or_default();
            covering.entry(position).or_default().push(revision);
        }
        Ok(covering)
    }

    /// Counts the unsealed revisions, and finds those that refer to an entry outside of the chain.
    async fn look_at_revisions(&self, walk: &mut Walk<'_>) -> Result<(), SealError> {
        let (waiting, positions, row) = self
            .database
            .read(|conn| {
                let waiting = revisions::count_waiting(conn)?;
                // Read before the end of the chain, so that no revision seems to refer to an entry beyond it if the chain grows.
                let positions = revisions::find_positions(conn)?;
                Ok::<_, Error>((waiting, positions, queries::find_sealer(conn)?))
            })
            .await?;
        walk.report.unsealed_revisions = waiting;
        let (lowest, highest) = positions;
        let below = lowest.filter(|position| *position < 1);
        let beyond = highest.filter(|position| *position > row.position);
        for position in below.into_iter().chain(beyond) {
            let finding = Finding::at(Fault::RevisionsOutside, position, None);
            walk.report.add(finding);
        }
        Ok(())
    }

    /// Finds the events without an entry: those that will still be sealed, and those that are too old for it.
    async fn look_outside(&self, walk: &mut Walk<'_>) -> Result<(), SealError> {
        let seal = self.clone();
        let now = self.database.read(move |conn| seal.database.now(conn));
        let edge = from(walk.newest_at, now.await?);
        let mut after: Option<EventCursor> = None;
        while let Some(edge) = edge {
            // Read all events page by page: a query for those without an entry would scan all of them before it returns.
            let page = self
                .database
                .read(move |conn| queries::list_places(conn, edge, after, PAGE))
                .await?;
            let Some((at, id, _)) = page.last() else {
                break;
            };
            after = Some((*at, *id));
            for (_, event, _) in page.iter().filter(|(_, _, place)| place.is_none()) {
                walk.report.add(Finding::outside(*event));
            }
        }
        let seal = self.clone();
        let (now, waiting) = self
            .database
            .read(move |conn| {
                let waiting = queries::list_unsealed(conn, (edge, None), None, 1)?;
                Ok::<_, Error>((seal.database.now(conn)?, waiting))
            })
            .await?;
        if let Some(event) = waiting.first() {
            walk.report.unsealed_since = Some(event.at);
            walk.report.unsealed_seconds = now.since(event.at).as_secs();
        }
        Ok(())
    }
}

type Linked = (SealRow, Option<LinkedEvent>);

/// Revisions by the position of the entry that covers them.
type Covering = HashMap<i64, Vec<SealedRevision>>;

/// Returns how many revisions the entries cover.
fn count(links: &[Linked]) -> i64 {
    let counts = links.iter().map(|(link, _)| link.covered.revisions.max(0));
    counts.fold(0, i64::saturating_add)
}

/// Splits entries into runs whose revisions are read together: the more revisions the entries cover, the shorter the runs.
fn chunks(links: &[Linked]) -> Vec<&[Linked]> {
    let mut chunks = Vec::new();
    let mut rest = links;
    while !rest.is_empty() {
        let mut length = 1;
        while length < rest.len() && rest.get(..=length).is_some_and(|run| count(run) <= MOST) {
            length = length.saturating_add(1);
        }
        let (chunk, left) = rest.split_at(length);
        chunks.push(chunk);
        rest = left;
    }
    chunks
}

impl Walk<'_> {
    fn follow(
        &mut self,
        link: &SealRow,
        event: Option<&LinkedEvent>,
        revisions: &[SealedRevision],
    ) {
        if link.position < 1 {
            let place = Some(link.event);
            self.report
                .add(Finding::at(Fault::OutsideTheChain, link.position, place));
            return;
        }
        let next = self.report.position.saturating_add(1);
        if link.position != next {
            let last = link.position.saturating_sub(1);
            self.report
                .add(Finding::between(Fault::MissingSeals, next, last));
            self.before.clear();
        }
        let macs = match event {
            Some(event) => self.judge(link, event),
            None => {
                self.report.add(Finding::at(
                    Fault::MissingEvent,
                    link.position,
                    Some(link.event),
                ));
                Vec::new()
            }
        };
        self.meet(link);
        self.wait(link, event);
        self.compare_revisions(link, revisions);
        if let Some(linked) = event {
            self.note_erasure(link, &linked.event, macs.contains(&link.mac));
        }
        self.report.sealed = self.report.sealed.saturating_add(1);
        self.report.position = link.position;
        self.report.mac = to_hex(&link.mac);
        self.report.sealed_at = Some(link.sealed_at);
        // The next entry may be based on the stored MAC or, if only the stored MAC was altered, on the computed one.
        self.before = macs;
        if !self.before.contains(&link.mac) {
            self.before.push(link.mac.clone());
        }
    }

    /// Compares an entry with its event. Returns the MAC that the entry should have, for each possible MAC of the previous entry.
    fn judge(&mut self, link: &SealRow, linked: &LinkedEvent) -> Vec<Vec<u8>> {
        let event = &linked.event;
        let are_traces_true = match &link.salt {
            Some(salt) => Traces::of(event, salt) == link.traces,
            None => {
                self.report.erased = self.report.erased.saturating_add(1);
                chain::is_erased(event)
            }
        };
        let macs: Vec<Vec<u8>> = match &self.key {
            Some(key) => self
                .before
                .iter()
                .map(|before| {
                    let place = Place {
                        position: link.position,
                        before,
                        sealed_at: link.sealed_at,
                    };
                    chain::mac(key, place, event, &link.traces, &link.covered)
                })
                .collect(),
            None => Vec::new(),
        };
        let is_proven = macs.contains(&link.mac);
        // After a gap the MAC can't be computed; the gap itself is reported already.
        let is_seal_true = (is_proven || self.before.is_empty()) && link.covered.is_complete(event);
        let place = (link.position, Some(link.event));
        let is_unread = event.unread_details.is_some();
        let is_as_written = linked.are_details_plain || is_unread;
        if !are_traces_true || !is_as_written || !is_seal_true {
            self.report
                .add(Finding::at(Fault::Altered, place.0, place.1));
        } else if is_unread {
            self.report
                .add(Finding::at(Fault::Unreadable, place.0, place.1));
        } else if from(self.newest_at, link.sealed_at).is_some_and(|from| event.at < from) {
            self.report
                .add(Finding::at(Fault::SealedTooLate, place.0, place.1));
        }
        if is_proven {
            self.newest_at = self.newest_at.max(Some(event.at));
        }
        macs
    }

    /// Compares the revisions that refer to an entry with what was sealed.
    fn compare_revisions(&mut self, link: &SealRow, revisions: &[SealedRevision]) {
        let found = Covered {
            layout: link.covered.layout,
            ..Covered::new(revisions)
        };
        let are_plain = revisions.iter().all(SealedRevision::is_as_written);
        if found != link.covered || !are_plain {
            let event = Some(link.event);
            let finding = Finding::at(Fault::RevisionsAltered, link.position, event);
            self.report.add(finding);
        }
        let covered = link.covered.revisions.max(0);
        self.report.revisions = self.report.revisions.saturating_add(covered);
    }

    /// Notes that an event was erased until the event that records the erasure is found, which comes later in the chain.
    fn note_erasure(&mut self, link: &SealRow, event: &RecordedEvent, is_proven: bool) {
        if link.salt.is_none() && chain::is_erased(event) {
            self.erased.insert(link.event, link.position);
        }
        if event.action != ERASED || !is_proven || link.salt.is_none() {
            return;
        }
        let named = event.details.get("event").and_then(Value::as_str);
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
    fn end_erasures(&mut self) {
        let mut left: Vec<(i64, AuditEventId)> = self
            .erased
            .drain()
            .map(|(event, position)| (position, event))
            .collect();
        left.sort_unstable();
        for (position, event) in left {
            let finding = Finding::at(Fault::ErasedWithoutRecord, position, Some(event));
            self.report.add(finding);
        }
    }

    /// Records how long the event waited to be sealed. Long waits reveal a chain that was rebuilt, and an event that was
    /// backdated into a quiet period in which nothing newer was sealed.
    fn wait(&mut self, link: &SealRow, linked: Option<&LinkedEvent>) {
        let waited = linked.map(|linked| link.sealed_at.since(linked.event.at));
        let waited = waited.unwrap_or_default();
        let seconds = waited.as_secs();
        if waited > LATE {
            self.report.add_late(LateSeal {
                position: link.position,
                event: link.event,
                seconds,
            });
        }
        if seconds > self.report.longest_wait_seconds {
            self.report.longest_wait_seconds = seconds;
            self.report.longest_wait_position = link.position;
        }
    }

    /// Compares the entry with the expected MAC of its position, if there is one.
    fn meet(&mut self, link: &SealRow) {
        let mac = to_hex(&link.mac);
        let is_other = |kept: &Expected| kept.position == link.position && kept.mac != mac;
        if self.expected.iter().any(is_other) {
            self.report
                .add(Finding::at(Fault::Fork, link.position, Some(link.event)));
        }
    }

    fn end(&mut self, row: &SealerRow) {
        let last = self.report.position;
        let next = last.saturating_add(1);
        let expected = self.expected.iter().map(|kept| kept.position).max();
        let recorded = row.position.max(expected.unwrap_or_default());
        if recorded > last {
            self.report
                .add(Finding::between(Fault::CutTail, next, recorded));
        }
        // Events whose MAC could not be verified are not counted in `newest_at`, so it is only compared if no fault was found.
        let is_newest = self.report.faults > 0 || row.newest_at == self.newest_at;
        let is_end = to_hex(&row.mac) == self.report.mac && is_newest;
        if row.position < last || (row.position == last && !is_end) {
            self.report.add(Finding::at(Fault::HeadAltered, last, None));
        }
    }
}
