//! Computes the entries of the audit chain: what is hashed and how. Pure functions.
//!
//! `mac = HMAC-SHA-256(key, layout ‖ position ‖ sealed_at ‖ previous MAC ‖ fields)` (RFC 2104); every field of variable length is
//! preceded by its length, so that no two events have the same encoding. Layout 2 adds the client and the user who acted, the
//! account of the process, and the hash of the revisions that the entry covers. What may have to be erased (address, user agent,
//! details) is included as SHA-256 with a salt that belongs to this event alone: once the field and the salt are deleted, nothing
//! reveals the value, and the chain stays valid.

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac;
use uuid::Uuid;

use super::canonical::canonical;
use super::queries::revisions::SealedRevision;
use super::queries::{Coverage, SaltedHashes};
use crate::base::clock::Timestamp;
use crate::base::ids::Id;
use crate::db::StoredJson;
use crate::history::RecordedEvent;

/// The first layout, without revisions.
const FIRST_LAYOUT: i64 = 1;
/// The layout of new entries.
const LAYOUT: i64 = 2;

impl Coverage {
    /// Creates the data of a new entry that covers these revisions.
    pub(super) fn new(revisions: &[SealedRevision]) -> Self {
        Self {
            layout: LAYOUT,
            revisions: i64::try_from(revisions.len()).unwrap_or(i64::MAX),
            hash: (!revisions.is_empty()).then(|| digest_of(revisions)),
        }
    }

    /// Returns whether the layout covers all data of the event and the entry.
    pub(super) fn is_complete(&self, event: &RecordedEvent) -> bool {
        let has_more = event.by_user.is_some()
            || event.by_client.is_some()
            || event.operator.is_some()
            || self.revisions != 0
            || self.hash.is_some();
        self.layout == LAYOUT || (self.layout == FIRST_LAYOUT && !has_more)
    }
}

/// Hashes revisions in the order of their keys, each field of variable length preceded by its length.
pub(super) fn digest_of(revisions: &[SealedRevision]) -> Vec<u8> {
    let mut sorted: Vec<&SealedRevision> = revisions.iter().collect();
    sorted.sort_unstable_by(|one, other| {
        let key = |revision: &SealedRevision| (revision.entity_id, revision.version);
        let by_entity = one.entity.cmp(&other.entity);
        by_entity.then_with(|| key(one).cmp(&key(other)))
    });
    let mut context = digest::Context::new(&SHA256);
    for revision in sorted {
        let mut text = Vec::new();
        put(&mut text, Some(revision.entity.as_bytes()));
        put(&mut text, Some(revision.entity_id.uuid().as_bytes()));
        text.extend(revision.version.to_be_bytes());
        text.extend(revision.as_of.as_micros().to_be_bytes());
        put_id(&mut text, revision.by_user.map(Id::uuid));
        put_id(&mut text, revision.by_client.map(Id::uuid));
        put(&mut text, Some(canonical_text(&revision.data).as_bytes()));
        context.update(&text);
    }
    context.finish().as_ref().to_vec()
}

/// Returns the canonical form of stored JSON; the stored text if it can't be parsed.
fn canonical_text(stored: &StoredJson) -> String {
    let raw = stored.raw.clone();
    raw.unwrap_or_else(|| canonical(&stored.value))
}

/// The HMAC key of the chain. `Debug` shows its algorithm only.
#[derive(Debug)]
pub(super) struct ChainKey(hmac::Key);

impl ChainKey {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl SaltedHashes {
    /// Hashes the fields of an event with its salt.
    pub(super) fn of(event: &RecordedEvent, salt: &[u8]) -> Self {
        let details = canonical_text(&event.details);
        Self {
            address: salted(salt, "address", event.address.as_deref()),
            user_agent: salted(salt, "user_agent", event.user_agent.as_deref()),
            details: salted(salt, "details", Some(&details)),
        }
    }
}

/// Returns whether all fields that may be erased are empty.
pub(super) fn is_erased(event: &RecordedEvent) -> bool {
    event.address.is_none()
        && event.user_agent.is_none()
        && event
            .details
            .value
            .as_object()
            .is_some_and(serde_json::Map::is_empty)
}

fn salted(salt: &[u8], name: &str, value: Option<&str>) -> Vec<u8> {
    let mut text = Vec::new();
    put(&mut text, Some(salt));
    put(&mut text, Some(name.as_bytes()));
    put(&mut text, value.map(str::as_bytes));
    digest::digest(&SHA256, &text).as_ref().to_vec()
}

/// The header of an entry: its position, the MAC of the entry before it, and when it was sealed.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryHeader<'a> {
    pub(super) position: i64,
    pub(super) before: &'a [u8],
    pub(super) sealed_at: Timestamp,
}

/// Computes the MAC of the entry that seals an event.
pub(super) fn mac(
    key: &ChainKey,
    header: EntryHeader<'_>,
    event: &RecordedEvent,
    salted_hashes: &SaltedHashes,
    covered: &Coverage,
) -> Vec<u8> {
    let mut text = vec![u8::try_from(covered.layout).unwrap_or_default()];
    text.extend(header.position.to_be_bytes());
    text.extend(header.sealed_at.as_micros().to_be_bytes());
    put(&mut text, Some(header.before));
    put(&mut text, Some(event.id.uuid().as_bytes()));
    text.extend(event.at.as_micros().to_be_bytes());
    put(&mut text, Some(event.actor.as_bytes()));
    put(&mut text, Some(event.action.as_bytes()));
    put_id(&mut text, event.subject.map(Id::uuid));
    put_id(&mut text, event.client.map(Id::uuid));
    put_id(&mut text, event.passkey.map(Id::uuid));
    put(&mut text, Some(event.outcome.as_bytes()));
    put(&mut text, event.reason.as_deref().map(str::as_bytes));
    for trace in [
        &salted_hashes.address,
        &salted_hashes.user_agent,
        &salted_hashes.details,
    ] {
        put(&mut text, Some(trace));
    }
    if covered.layout != FIRST_LAYOUT {
        put_id(&mut text, event.by_user.map(Id::uuid));
        put_id(&mut text, event.by_client.map(Id::uuid));
        put(&mut text, event.operator.as_deref().map(str::as_bytes));
        text.extend(covered.revisions.to_be_bytes());
        put(&mut text, covered.hash.as_deref());
    }
    hmac::sign(&key.0, &text).as_ref().to_vec()
}

fn put_id(text: &mut Vec<u8>, id: Option<Uuid>) {
    put(text, id.as_ref().map(|id| &id.as_bytes()[..]));
}

/// Writes a field: a byte that says whether it is present, its length, its bytes.
fn put(text: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => text.push(0),
        Some(bytes) => {
            text.push(1);
            text.extend(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            text.extend(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{AuditEventId, UserId};
    use serde_json::json;

    fn stored(value: serde_json::Value) -> StoredJson {
        StoredJson {
            value,
            is_canonical: true,
            raw: None,
        }
    }

    fn event() -> RecordedEvent {
        RecordedEvent {
            id: AuditEventId::sortable(),
            at: Timestamp::from_micros(1),
            actor: "command".into(),
            action: "user.updated".into(),
            subject: Some(UserId::random()),
            client: None,
            passkey: None,
            address: Some("192.0.2.1".into()),
            user_agent: None,
            outcome: "success".into(),
            reason: None,
            details: stored(json!({ "b": 1, "a": 2 })),
            by_user: None,
            by_client: None,
            operator: None,
        }
    }

    fn seal(header: EntryHeader<'_>, event: &RecordedEvent) -> Vec<u8> {
        mac(
            &ChainKey::new(&[7; 32]),
            header,
            event,
            &SaltedHashes::of(event, b"salt"),
            &Coverage::new(&[]),
        )
    }

    #[test]
    fn every_field_and_the_position_are_part_of_a_seal() {
        type Change = fn(&mut RecordedEvent);
        let header = EntryHeader {
            position: 2,
            before: b"before",
            sealed_at: Timestamp::from_micros(9),
        };
        let event = event();
        let whole = seal(header, &event);
        assert_eq!(seal(header, &event.clone()), whole);
        let changes: [Change; 16] = [
            |event| event.id = AuditEventId::sortable(),
            |event| event.at = Timestamp::from_micros(2),
            |event| event.actor = "doorward".into(),
            |event| event.action = "user.suspended".into(),
            |event| event.subject = None,
            |event| event.client = Some(crate::base::ids::ClientId::random()),
            |event| event.passkey = Some(crate::base::ids::PasskeyId::random()),
            |event| event.address = Some(String::new()),
            |event| event.user_agent = Some(String::new()),
            |event| event.outcome = "refused".into(),
            |event| event.reason = Some(String::new()),
            |event| event.details = stored(json!({ "a": 2 })),
            |event| event.details.raw = Some("[[1]]".into()),
            |event| event.by_user = Some(UserId::random()),
            |event| event.by_client = Some(crate::base::ids::ClientId::random()),
            |event| event.operator = Some("root@host".into()),
        ];
        for (which, change) in changes.into_iter().enumerate() {
            let mut altered = event.clone();
            change(&mut altered);
            assert_ne!(seal(header, &altered), whole, "change {which}");
        }
        for other in [
            EntryHeader {
                position: 3,
                ..header
            },
            EntryHeader {
                before: b"other",
                ..header
            },
            EntryHeader {
                sealed_at: Timestamp::from_micros(8),
                ..header
            },
        ] {
            assert_ne!(seal(other, &event), whole);
        }
    }

    #[test]
    fn a_layout_that_does_not_cover_a_field_is_refused_with_it() {
        let mut event = event();
        let old = Coverage {
            layout: FIRST_LAYOUT,
            ..Coverage::new(&[])
        };
        assert!(old.is_complete(&event) && Coverage::new(&[]).is_complete(&event));
        event.by_client = Some(crate::base::ids::ClientId::random());
        assert!(!old.is_complete(&event) && Coverage::new(&[]).is_complete(&event));
        let other = Coverage { layout: 3, ..old };
        assert!(!other.is_complete(&self::event()));
    }

    #[test]
    fn a_chain_entry_depends_only_on_hashes_so_that_data_can_be_erased() {
        let header = EntryHeader {
            position: 1,
            before: b"",
            sealed_at: Timestamp::from_micros(9),
        };
        let (event, key) = (event(), ChainKey::new(&[7; 32]));
        let salted_hashes = SaltedHashes::of(&event, b"salt");
        let mut erased = event.clone();
        erased.address = None;
        erased.details = stored(json!({}));
        assert!(is_erased(&erased) && !is_erased(&event));
        assert_eq!(
            mac(&key, header, &erased, &salted_hashes, &Coverage::new(&[])),
            mac(&key, header, &event, &salted_hashes, &Coverage::new(&[]))
        );
        assert_ne!(
            SaltedHashes::of(&event, b"other"),
            salted_hashes,
            "no dictionary fits two events"
        );
    }
}
