//! SQL of `audit_events` and `revisions`.

pub(super) mod rows;

use diesel::prelude::*;
use uuid::Uuid;

use self::rows::{PasskeyUse, RecordedEvent, StoredRevision};
use super::event::PASSKEY_USE_ACTIONS;
use super::{Author, Event, EventFilter, Outcome, Revision};
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, Id, UserId, label};
use crate::db::schema::{audit_events, revisions};
use crate::db::{Connection, Json, Result};

pub(super) fn insert_event(
    conn: &mut Connection,
    at: Timestamp,
    author: &Author,
    event: Event,
) -> Result<()> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(AuditEventId::sortable()),
            audit_events::at.eq(at),
            audit_events::actor.eq(author.actor_text()),
            audit_events::action.eq(event.action),
            audit_events::subject.eq(event.subject),
            audit_events::client.eq(event.client.or(author.client())),
            audit_events::passkey.eq(event.passkey),
            audit_events::address.eq(author.address.clone()),
            audit_events::user_agent.eq(author.user_agent.clone()),
            audit_events::outcome.eq(event.outcome.as_str()),
            audit_events::reason.eq(event.reason),
            audit_events::details.eq(Json(event.details)),
            audit_events::by_user.eq(author.user()),
            audit_events::by_client.eq(author.client()),
            audit_events::operator.eq(author.operator.clone()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Returns events, newest first, at most `limit`.
pub fn list_events(
    conn: &mut Connection,
    filter: &EventFilter,
    limit: i64,
) -> Result<Vec<RecordedEvent>> {
    let mut query = audit_events::table
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .limit(limit)
        .into_boxed();
    if let Some(user) = filter.user {
        query = query.filter(
            audit_events::subject
                .eq(user)
                .or(audit_events::actor.eq(format!("user:{user}"))),
        );
    }
    if let Some(client) = filter.client {
        query = query.filter(
            audit_events::client
                .eq(client)
                .or(audit_events::by_client.eq(client)),
        );
    }
    if let Some(action) = &filter.action {
        // A half-open range instead of LIKE: no wildcards from the caller, and the same on both databases.
        query = query
            .filter(audit_events::action.ge(action.clone()))
            .filter(audit_events::action.lt(format!("{action}\u{10FFFF}")));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(audit_events::outcome.eq(outcome.as_str()));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_events::at.lt(until));
    }
    if let Some(after) = filter.after {
        let cursor = audit_events::table
            .find(after)
            .select(audit_events::at)
            .first::<Timestamp>(conn)
            .optional()?;
        let Some(at) = cursor else {
            return Ok(Vec::new());
        };
        // The first condition is implied by the second, but neither database uses the index for an OR.
        query = query.filter(audit_events::at.le(at)).filter(
            audit_events::at
                .lt(at)
                .or(audit_events::at.eq(at).and(audit_events::id.lt(after))),
        );
    }
    Ok(query.load(conn)?)
}

/// Returns the latest sign-ins and step-ups of a user, newest first, at most `limit`.
pub fn list_passkey_uses(
    conn: &mut Connection,
    user: UserId,
    limit: i64,
) -> Result<Vec<PasskeyUse>> {
    let [signed_in, stepped_up] = PASSKEY_USE_ACTIONS;
    Ok(audit_events::table
        .filter(audit_events::subject.eq(user))
        .filter(
            audit_events::action
                .eq(signed_in)
                .or(audit_events::action.eq(stepped_up)),
        )
        .filter(audit_events::outcome.eq(Outcome::Success.as_str()))
        .filter(audit_events::passkey.is_not_null())
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .limit(limit)
        .select((
            audit_events::passkey.assume_not_null(),
            audit_events::address,
            audit_events::user_agent,
        ))
        .load(conn)?)
}

/// Stores a version, in the transaction of the change.
pub fn record_revision(conn: &mut Connection, author: &Author, revision: Revision) -> Result<()> {
    let entity_id = unlabelled(revision.entity_id);
    diesel::insert_into(revisions::table)
        .values((
            revisions::entity.eq(revision.entity),
            revisions::entity_id.eq(entity_id),
            revisions::version.eq(revision.version),
            revisions::as_of.eq(revision.as_of),
            revisions::by_user.eq(author.user()),
            revisions::by_client.eq(author.client()),
            revisions::data.eq(Json(revision.data)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The column `entity` says what kind of ID it is, so the type label is arbitrary.
fn unlabelled(id: Uuid) -> Id<label::User> {
    Id::from_uuid(id)
}

/// Returns the version of an entity that was current at a time; `None` if the entity did not exist yet.
pub fn find_as_of(
    conn: &mut Connection,
    entity: &'static str,
    entity_id: Uuid,
    at: Timestamp,
) -> Result<Option<StoredRevision>> {
    Ok(revisions::table
        .filter(revisions::entity.eq(entity))
        .filter(revisions::entity_id.eq(unlabelled(entity_id)))
        .filter(revisions::as_of.le(at))
        .order(revisions::version.desc())
        .select(StoredRevision::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the versions of an entity, newest first, at most `limit`; only those before version `before`, if it is given.
pub fn list_revisions(
    conn: &mut Connection,
    entity: &'static str,
    entity_id: Uuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredRevision>> {
    let mut query = revisions::table
        .filter(revisions::entity.eq(entity))
        .filter(revisions::entity_id.eq(unlabelled(entity_id)))
        .order(revisions::version.desc())
        .limit(limit)
        .select(StoredRevision::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(revisions::version.lt(before));
    }
    Ok(query.load(conn)?)
}
