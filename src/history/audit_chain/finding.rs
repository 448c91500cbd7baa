//! The results of verifying the audit chain.

use std::fmt;

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::ids::AuditEventId;

/// The MAC of an entry that was stored outside of the database: `POSITION:MAC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Position of the entry in the chain.
    pub position: i64,
    /// MAC of the entry, in hexadecimal.
    pub mac: String,
}

impl std::str::FromStr for Expected {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = "a seal is written POSITION:MAC, the MAC as 64 hexadecimal digits";
        let (position, mac) = text.split_once(':').ok_or(fault)?;
        let position = position.parse().map_err(|_| fault)?;
        if position < 1 || mac.len() != 64 || !mac.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(fault);
        }
        let mac = mac.to_ascii_lowercase();
        Ok(Self { position, mac })
    }
}

/// Kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The event, or its entry, differs from what was sealed.
    Altered,
    /// The event is what was sealed, but its details can't be parsed. Doorward never writes such details.
    Unreadable,
    /// The revisions that the entry covers are not those that were sealed with it.
    RevisionsAltered,
    /// A revision refers to an entry that does not exist.
    RevisionsOutside,
    /// The event was erased, and no sealed event records the erasure.
    ErasedWithoutRecord,
    /// The event of an entry is missing.
    MissingEvent,
    /// Entries are missing from the middle of the chain, with or without their events.
    MissingSeals,
    /// Entries are missing from the end of the chain: the recorded end, or an expected MAC, is beyond the last one.
    CutTail,
    /// The recorded end of the chain differs from its last entry.
    HeadAltered,
    /// An event that is older than the end of the chain but not in it, or an entry with a position below 1.
    OutsideTheChain,
    /// The event was sealed when much newer ones had already been sealed.
    SealedTooLate,
    /// The entry has another MAC than expected, so this is another chain.
    Fork,
}

/// A fault, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kind of the fault.
    pub kind: FindingKind,
    /// Position in the chain; `None` if the event is not in the chain.
    pub position: Option<i64>,
    /// Last position, if the fault concerns several.
    pub until: Option<i64>,
    /// ID of the event, if the fault concerns one.
    pub event: Option<AuditEventId>,
}

impl Finding {
    pub(super) fn at(kind: FindingKind, position: i64, event: Option<AuditEventId>) -> Self {
        Self {
            kind,
            position: Some(position),
            until: None,
            event,
        }
    }

    pub(super) fn between(kind: FindingKind, position: i64, until: i64) -> Self {
        Self {
            until: Some(until).filter(|until| *until != position),
            ..Self::at(kind, position, None)
        }
    }

    pub(super) fn outside(event: AuditEventId) -> Self {
        Self {
            kind: FindingKind::OutsideTheChain,
            position: None,
            until: None,
            event: Some(event),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(formatter, "position {position}")?;
        }
        if let Some(until) = self.until {
            write!(formatter, " to {until}")?;
        }
        if let Some(event) = self.event {
            let gap = if self.position.is_some() { ", " } else { "" };
            write!(formatter, "{gap}event {event}")?;
        }
        formatter.write_str(match self.kind {
            FindingKind::Altered => ": altered after it was sealed",
            FindingKind::Unreadable => ": its details can't be read",
            FindingKind::RevisionsAltered => {
                ": revisions that it covers were altered, deleted or inserted"
            }
            FindingKind::RevisionsOutside => {
                ": a revision refers to this position, which has no seal"
            }
            FindingKind::ErasedWithoutRecord => ": erased in part without a record of it",
            FindingKind::MissingEvent => ": the sealed event is missing",
            FindingKind::MissingSeals => ": seals are missing",
            FindingKind::CutTail => ": the end of the chain is cut off",
            FindingKind::HeadAltered => ": the recorded end of the chain is not its last seal",
            FindingKind::OutsideTheChain => ": not in the chain, although older than its end",
            FindingKind::SealedTooLate => ": sealed after much newer ones",
            FindingKind::Fork => ": not the seal that was expected",
        })
    }
}

/// An event that was sealed long after its time: no instance sealed events then, or it was inserted with an old date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LateSeal {
    /// Position in the chain.
    pub position: i64,
    /// ID of the event.
    pub event: AuditEventId,
    /// How long after its time it was sealed, in seconds.
    pub seconds: u64,
}

impl fmt::Display for LateSeal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            event,
            seconds,
        } = self;
        write!(
            formatter,
            "position {position}, event {event}: sealed {seconds} seconds late"
        )
    }
}

/// An erasure that a sealed event records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// Position of the erased event in the chain.
    pub position: i64,
    /// ID of the erased event.
    pub event: AuditEventId,
    /// Time of the erasure.
    pub erased_at: Timestamp,
    /// Actor of the erasure, as written in events.
    pub actor: String,
    /// Account and machine of the process that erased it, if the command line did.
    pub operator: Option<String>,
    /// Reason of the erasure.
    pub reason: Option<String>,
}

impl fmt::Display for Erasure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = self.operator.as_deref().unwrap_or("-");
        write!(
            formatter,
            "position {}, event {}: erased at {} by {} ({operator})",
            self.position, self.event, self.erased_at, self.actor
        )?;
        match &self.reason {
            Some(reason) => write!(formatter, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// Maximum number of listed findings and erasures; further faults are only counted.
const MAX_LISTED: usize = 1000;
/// Maximum number of listed events that were sealed late; further ones are only counted.
const MAX_LATE_LISTED: usize = 20;

/// Result of verifying the audit chain.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many entries of the chain were verified.
    pub sealed: i64,
    /// How many of their events had address, user agent and details erased.
    pub erased: i64,
    /// The erasures that sealed events record: the first thousand.
    pub erasures: Vec<Erasure>,
    /// How many sealed revisions were verified.
    pub revisions: i64,
    /// How many revisions are unsealed.
    pub unsealed_revisions: i64,
    /// Last position in the chain.
    pub position: i64,
    /// MAC of the last entry, in hexadecimal.
    pub mac: String,
    /// When the last entry was sealed.
    pub sealed_at: Option<Timestamp>,
    /// The longest time from an event to its sealing, in seconds.
    pub longest_wait_seconds: u64,
    /// Position of the entry with the longest wait.
    pub longest_wait_position: i64,
    /// How many events were sealed more than a minute after their time. That proves nothing, but should be investigated.
    pub sealed_late: u64,
    /// The events that were sealed late: the first twenty.
    pub late_seals: Vec<LateSeal>,
    /// Time of the oldest event that is not sealed yet.
    pub unsealed_since: Option<Timestamp>,
    /// Age of that event, in seconds.
    pub unsealed_seconds: u64,
    /// How many faults were found.
    pub faults: u64,
    /// The faults: the first thousand.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns whether no fault was found.
    pub fn is_whole(&self) -> bool {
        self.faults == 0
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.faults = self.faults.saturating_add(1);
        if self.findings.len() < MAX_LISTED {
            self.findings.push(finding);
        }
    }

    pub(super) fn add_erasure(&mut self, erasure: Erasure) {
        if self.erasures.len() < MAX_LISTED {
            self.erasures.push(erasure);
        }
    }

    pub(super) fn add_late(&mut self, late: LateSeal) {
        self.sealed_late = self.sealed_late.saturating_add(1);
        if self.late_seals.len() < MAX_LATE_LISTED {
            self.late_seals.push(late);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expected_seal_is_parsed_strictly() {
        let mac = "AB".repeat(32);
        let expected = format!("7:{mac}").parse::<Expected>().expect("a seal");
        assert_eq!((expected.position, expected.mac), (7, mac.to_lowercase()));
        for bad in [
            "",
            "7",
            "7:",
            ":ab",
            "0:ab",
            "-1:ab",
            "x:ab",
            "7:ab",
            &format!("7:{mac}0"),
            &format!("0:{mac}"),
        ] {
            assert!(bad.parse::<Expected>().is_err(), "{bad}");
        }
    }
}
