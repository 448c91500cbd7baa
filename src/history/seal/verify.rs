//! Walking the whole chain: every link is computed again, in bounded memory.

use super::chain::{self, ChainKey, Place, Traces};
use super::finding::{Fault, Finding, LateSeal};
use super::queries::{self, LinkedEvent, SealRow, SealerRow};
use super::step::{LATE, from};
use super::{AuditSeal, EventCursor, Expected, Report, SealError};
use crate::base::clock::Timestamp;
use crate::base::hex::to_hex;
use crate::db::Error;

/// How many links are read at once.
const PAGE: i64 = 500;

/// A walk on its way.
struct Walk<'a> {
    key: Option<ChainKey>,
    expected: &'a [Expected],
    /// The links before the next one, of which it must follow one: as stored, and as it should be. None after a gap.
    before: Vec<Vec<u8>>,
    newest_at: Option<Timestamp>,
    report: Report,
}

impl AuditSeal {
    /// Walks the chain from its beginning, and then looks for events that are not in it. `tell` hears how far it is, and out of
    /// how many.
    ///
    /// # Errors
    /// When the key can't be opened or the database is away; what is wrong with the chain is in the report.
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
            report: Report::default(),
        };
        let mut after: Option<i64> = None;
        loop {
            // What tells the end is read before the links: a chain that grows meanwhile does not look cut.
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
                break;
            }
            for (link, event) in &links {
                after = Some(link.position);
                walk.follow(link, event.as_ref());
            }
            tell(walk.report.position, row.position.max(walk.report.position));
        }
        self.look_outside(&mut walk).await?;
        Ok(walk.report)
    }

    /// Events without a seal: those that the sealer will still take, and those that it never will.
    async fn look_outside(&self, walk: &mut Walk<'_>) -> Result<(), SealError> {
        let seal = self.clone();
        let now = self.database.read(move |conn| seal.database.now(conn));
        let edge = from(walk.newest_at, now.await?);
        let mut after: Option<EventCursor> = None;
        while let Some(edge) = edge {
            // Page by page over all of them: a search for those without a seal would not end before it has seen the last.
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

impl Walk<'_> {
    fn follow(&mut self, link: &SealRow, event: Option<&LinkedEvent>) {
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
        self.report.sealed = self.report.sealed.saturating_add(1);
        self.report.position = link.position;
        self.report.mac = to_hex(&link.mac);
        self.report.sealed_at = Some(link.sealed_at);
        // The next one may rest on the seal as it stands or, where only the seal was touched, as it was.
        self.before = macs;
        if !self.before.contains(&link.mac) {
            self.before.push(link.mac.clone());
        }
    }

    /// Compares a link with its event; what its seal should be, for each that it may follow.
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
                    chain::mac(key, place, event, &link.traces)
                })
                .collect(),
            None => Vec::new(),
        };
        let is_proven = macs.contains(&link.mac);
        // After a gap there is nothing to compute it from; the gap is told already.
        let is_seal_true = is_proven || self.before.is_empty();
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

    /// How long the event waited: a chain that was made anew shows it here, and so does an event that was dated back into a time in
    /// which nothing happened, where nothing newer was sealed.
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

    /// Whether somebody who kept the seal of this place kept this one.
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
        // What was not proven was not counted: then the newest instant says nothing.
        let is_newest = self.report.faults > 0 || row.newest_at == self.newest_at;
        let is_end = to_hex(&row.mac) == self.report.mac && is_newest;
        if row.position < last || (row.position == last && !is_end) {
            self.report.add(Finding::at(Fault::HeadAltered, last, None));
        }
    }
}
