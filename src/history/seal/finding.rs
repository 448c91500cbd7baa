//! What a walk along the chain finds.

use std::fmt;

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::ids::AuditEventId;

/// A seal that somebody kept elsewhere: `POSITION:MAC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Position in the chain.
    pub position: i64,
    /// It, in hexadecimal.
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

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The event, or its seal, is not what was sealed.
    Altered,
    /// The event is what was sealed, and its details can't be read: nothing here writes such.
    Unreadable,
    /// The revisions that the link covers are not those that were sealed with it.
    RevisionsAltered,
    /// A revision names a link that does not exist.
    RevisionsOutside,
    /// The event was erased in part, and no sealed event records it.
    ErasedWithoutRecord,
    /// The sealed event is gone.
    MissingEvent,
    /// Seals are gone from the middle, with or without their events.
    MissingSeals,
    /// Seals, or what tells where the chain ends, are gone from the end.
    CutTail,
    /// Where the chain ends is not what its last seal says.
    HeadAltered,
    /// An event that is older than the end of the chain, and not in it; or whose seal is at a place that is none.
    OutsideTheChain,
    /// An event that was sealed when much newer ones were sealed already.
    SealedTooLate,
    /// Another chain than the one that the expected seal belongs to.
    Fork,
}

/// One fault, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kind of the fault.
    pub kind: Fault,
    /// Position in the chain.
    pub position: Option<i64>,
    /// Up to where, for more than one place.
    pub until: Option<i64>,
    /// ID of the event.
    pub event: Option<AuditEventId>,
}

impl Finding {
    pub(super) fn at(kind: Fault, position: i64, event: Option<AuditEventId>) -> Self {
        Self {
            kind,
            position: Some(position),
            until: None,
            event,
        }
    }

    pub(super) fn between(kind: Fault, position: i64, until: i64) -> Self {
        Self {
            until: Some(until).filter(|until| *until != position),
            ..Self::at(kind, position, None)
        }
    }

    pub(super) fn outside(event: AuditEventId) -> Self {
        Self {
            kind: Fault::OutsideTheChain,
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
            Fault::Altered => ": altered after it was sealed",
            Fault::Unreadable => ": its details can't be read",
            Fault::RevisionsAltered => {
                ": revisions that it covers were altered, deleted or inserted"
            }
            Fault::RevisionsOutside => ": a revision refers to this position, which has no seal",
            Fault::ErasedWithoutRecord => ": erased in part without a record of it",
            Fault::MissingEvent => ": the sealed event is missing",
            Fault::MissingSeals => ": seals are missing",
            Fault::CutTail => ": the end of the chain is cut off",
            Fault::HeadAltered => ": the recorded end of the chain is not its last seal",
            Fault::OutsideTheChain => ": not in the chain, although older than its end",
            Fault::SealedTooLate => ": sealed after much newer ones",
            Fault::Fork => ": not the seal that was expected",
        })
    }
}

/// An event that was sealed long after its time: the sealer was down then, or it was put in with an old date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LateSeal {
    /// Position in the chain.
    pub position: i64,
    /// ID of the event.
    pub event: AuditEventId,
    /// How long after its time, in seconds.
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
    /// The erased event.
    pub event: AuditEventId,
    /// Time of the erasure.
    pub erased_at: Timestamp,
    /// Who erased it.
    pub actor: String,
    /// The account and machine of the process that erased it.
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

/// Faults are listed up to so many, and counted beyond.
const MOST_LISTED: usize = 1000;
/// As [`MOST_LISTED`], of events that were sealed late.
const MOST_LATE_LISTED: usize = 20;

/// What a walk came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many events are in the chain and were looked at.
    pub sealed: i64,
    /// Of how many of them the address, the user agent and the details were erased.
    pub erased: i64,
    /// Which, as sealed events record it: the first thousand.
    pub erasures: Vec<Erasure>,
    /// How many sealed revisions were verified.
    pub revisions: i64,
    /// How many revisions are unsealed.
    pub unsealed_revisions: i64,
    /// Last position in the chain.
    pub position: i64,
    /// Its last seal, in hexadecimal.
    pub mac: String,
    /// When that was made.
    pub sealed_at: Option<Timestamp>,
    /// The longest time from an event to its seal, in seconds.
    pub longest_wait_seconds: u64,
    /// Where that was.
    pub longest_wait_position: i64,
    /// How many events were sealed more than a minute after their time. That proves nothing, and is to be looked at.
    pub sealed_late: u64,
    /// Which: the first twenty.
    pub late_seals: Vec<LateSeal>,
    /// The time of the oldest event that waits for its seal.
    pub unsealed_since: Option<Timestamp>,
    /// How many seconds ago that was.
    pub unsealed_seconds: u64,
    /// How much is wrong.
    pub faults: u64,
    /// What is: the first thousand.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.faults == 0
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.faults = self.faults.saturating_add(1);
        if self.findings.len() < MOST_LISTED {
            self.findings.push(finding);
        }
    }

    pub(super) fn add_erasure(&mut self, erasure: Erasure) {
        if self.erasures.len() < MOST_LISTED {
            self.erasures.push(erasure);
        }
    }

    pub(super) fn add_late(&mut self, late: LateSeal) {
        self.sealed_late = self.sealed_late.saturating_add(1);
        if self.late_seals.len() < MOST_LATE_LISTED {
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
