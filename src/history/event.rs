//! Audit events: what was done or refused, by whom, from where.

use serde_json::Value;

use super::Author;
use super::queries;
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId, PasskeyId, UserId};
use crate::db;

/// Outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The action was done.
    Success,
    /// The action was refused.
    Refused,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
        }
    }

    /// Parses the value of a filter.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "success" => Some(Self::Success),
            "refused" => Some(Self::Refused),
            _ => None,
        }
    }
}

/// An audit event to be recorded.
#[derive(Clone, Debug)]
pub struct Event {
    /// Name of the action, such as `passkey.revoked`.
    pub action: &'static str,
    /// ID of the user concerned.
    pub subject: Option<UserId>,
    /// ID of the passkey concerned.
    pub passkey: Option<PasskeyId>,
    /// ID of the client concerned.
    pub client: Option<ClientId>,
    /// Outcome of the action.
    pub outcome: Outcome,
    /// Reason of the action: a reason code, or the text that the actor gave.
    pub reason: Option<String>,
    /// Other relevant data: a JSON object without secrets.
    pub details: Value,
}

impl Event {
    /// Creates the event of an action that was done.
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

    /// Creates the event of an action that was refused, with a reason code.
    pub fn refused(action: &'static str, reason: &str) -> Self {
        Self {
            outcome: Outcome::Refused,
            reason: Some(reason.to_owned()),
            ..Self::done(action)
        }
    }

    /// Sets the user concerned.
    #[must_use]
    pub fn subject(mut self, user: UserId) -> Self {
        self.subject = Some(user);
        self
    }

    /// Sets the passkey concerned.
    #[must_use]
    pub fn passkey(mut self, passkey: PasskeyId) -> Self {
        self.passkey = Some(passkey);
        self
    }

    /// Sets the client concerned.
    #[must_use]
    pub fn client(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// Sets the details, which must be a JSON object.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// Selects the events to list. Unset fields don't restrict the list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only events by this user, or about this user.
    pub user: Option<UserId>,
    /// Only events by this client, through it, or about it.
    pub client: Option<ClientId>,
    /// Only events whose action begins with this text.
    pub action: Option<String>,
    /// Only events with this outcome.
    pub outcome: Option<Outcome>,
    /// Only events at this time or later.
    pub from: Option<Timestamp>,
    /// Only events before this time.
    pub until: Option<Timestamp>,
    /// Only events older than this one (cursor).
    pub after: Option<AuditEventId>,
}

/// Records an event, in the transaction of the action that it describes.
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

/// The actions in which a user authenticates with a passkey.
pub(super) const PASSKEY_USE_ACTIONS: [&str; 2] = ["session.signed_in", "session.stepped_up"];
