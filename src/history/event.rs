//! Audit events: what was done or refused, by whom, from where.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Author;
use super::queries;
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId, PasskeyId, UserId};
use crate::db;

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Refused,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
        }
    }

    /// Parses a filter's word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "success" => Some(Self::Success),
            "refused" => Some(Self::Refused),
            _ => None,
        }
    }
}

/// Something worth remembering.
#[derive(Clone, Debug)]
pub struct Event {
    /// What, for example `passkey.revoked`.
    pub action: &'static str,
    /// ID of the user concerned.
    pub subject: Option<UserId>,
    /// Concerning which passkey.
    pub passkey: Option<PasskeyId>,
    /// Concerning which client.
    pub client: Option<ClientId>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in a word of ours or the words of whoever did it.
    pub reason: Option<String>,
    /// What else matters, without secrets.
    pub details: Value,
}

impl Event {
    /// Something done.
    pub fn done(action: &'static str) -> Self {
        Self {
            action,
            subject: None,
            passkey: None,
            client: None,
            outcome: Outcome::Success,
            reason: None,
            details: Value::Object(serde_json::Map::new()),
        }
    }

    /// Something refused, with a reason code.
    pub fn refused(action: &'static str, reason: &str) -> Self {
        Self {
            outcome: Outcome::Refused,
            reason: Some(reason.to_owned()),
            ..Self::done(action)
        }
    }

    /// Names the person concerned.
    #[must_use]
    pub fn subject(mut self, user: UserId) -> Self {
        self.subject = Some(user);
        self
    }

    /// Names the passkey concerned.
    #[must_use]
    pub fn passkey(mut self, passkey: PasskeyId) -> Self {
        self.passkey = Some(passkey);
        self
    }

    /// Names the client concerned.
    #[must_use]
    pub fn client(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// Gives the reason, if there is one.
    #[must_use]
    pub fn because(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// Adds details: an object.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// An event as it is listed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecordedEvent {
    /// Sorts by time.
    #[schema(value_type = uuid::Uuid)]
    pub id: AuditEventId,
    /// When, by the database's clock.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `user:ID`, `client:ID`, `command` or `doorward`.
    pub actor: String,
    /// Name of the action, such as `session.ended`.
    pub action: String,
    /// ID of the user concerned.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub subject: Option<UserId>,
    /// Concerning which client.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub client: Option<ClientId>,
    /// Concerning which passkey.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub passkey: Option<PasskeyId>,
    /// IP address of the request.
    pub address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// `success` or `refused`.
    pub outcome: String,
    /// Reason that was given, or why the request was refused.
    pub reason: Option<String>,
    /// What else; `null` where what is stored can't be read.
    pub details: Value,
    /// The user who acted, in person or through an app.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_user: Option<UserId>,
    /// The client that acted, or through which the user did.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by_client: Option<ClientId>,
    /// The account and machine of the process (`user@host`), where the command line or the service itself acted.
    pub operator: Option<String>,
    /// The stored text of such details.
    #[serde(skip)]
    pub unread_details: Option<String>,
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Done by or done to this person.
    pub person: Option<UserId>,
    /// Only events by this client, through it, or about it.
    pub client: Option<ClientId>,
    /// Actions that begin with this.
    pub action: Option<String>,
    /// How they ended.
    pub outcome: Option<Outcome>,
    /// Not earlier.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub until: Option<Timestamp>,
    /// Older than this event: the cursor.
    pub after: Option<AuditEventId>,
}

/// Writes an event in the transaction of what it tells of.
pub fn record(
    conn: &mut db::Connection,
    at: Timestamp,
    author: &Author,
    event: Event,
) -> db::Result<()> {
    tracing::info!(
        action = event.action,
        outcome = event.outcome.as_str(),
        reason = event.reason.as_deref(),
        subject = event.subject.map(tracing::field::display),
        passkey = event.passkey.map(tracing::field::display),
        "audit"
    );
    queries::insert_event(conn, at, author, event)
}

/// The acts in which a passkey proves its owner.
pub(super) const USES: [&str; 2] = ["session.signed_in", "session.stepped_up"];

/// From where a passkey proved somebody.
#[derive(Clone, Debug)]
pub struct PasskeyUse {
    /// ID of the passkey.
    pub passkey: PasskeyId,
    /// IP address of the request.
    pub address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// The latest sign-ins and step-ups of a person, newest first, at most `limit`.
pub fn list_passkey_uses(
    conn: &mut db::Connection,
    user: UserId,
    limit: i64,
) -> db::Result<Vec<PasskeyUse>> {
    queries::list_passkey_uses(conn, user, limit)
}

/// Lists events, newest first, at most `limit`.
pub fn list(
    conn: &mut db::Connection,
    filter: &EventFilter,
    limit: i64,
) -> db::Result<Vec<RecordedEvent>> {
    queries::list_events(conn, filter, limit)
}
