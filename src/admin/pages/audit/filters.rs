//! The filters of the audit page, as they stand in its address.

use serde::Deserialize;

use crate::admin::pages::address;
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId};
use crate::history::{EventFilter, Outcome};
use crate::users::{LookupError, Users};
use crate::web::{FieldProblem, Frame, Problem};

/// What can be chosen; a test looks whether it is all that is recorded.
const ACTIONS: [&str; 56] = [
    "audit.erased",
    "audit.revisions_sealed",
    "authorization.ended",
    "client.authenticated",
    "client.authentication_changed",
    "client.authorized",
    "client.consents_voided",
    "client.created",
    "client.deleted",
    "client.disabled",
    "client.enabled",
    "client.pkce_required",
    "client.redirect_uris_changed",
    "client.secret_rotated",
    "client.told_of_logout",
    "client.updated",
    "code.redeemed",
    "configuration.loaded",
    "consent.given",
    "consent.withdrawn",
    "grant.changed",
    "grant.given",
    "grant.withdrawn",
    "invitation.revoked",
    "key.compromised",
    "key.created",
    "key.rewrapped",
    "key.rotated",
    "passkey.device_link_made",
    "passkey.registered",
    "passkey.renamed",
    "passkey.revoked",
    "policies.loaded",
    "request.refused",
    "resource.deleted",
    "resource.registered",
    "resource.updated",
    "role.created",
    "role.deleted",
    "role.updated",
    "session.ended",
    "session.ended_all",
    "session.ended_others",
    "session.signed_in",
    "session.stepped_up",
    "setup.completed",
    "setup.link_made",
    "token.refreshed",
    "token.revoked",
    "user.invited",
    "user.joined",
    "user.reactivated",
    "user.recovered",
    "user.suspended",
    "user.updated",
    "username.released",
];

/// The filters, as given; empty: any.
#[derive(Debug, Deserialize)]
pub(super) struct Filters {
    #[serde(default)]
    pub(super) person: String,
    /// A `client_id`.
    #[serde(default)]
    pub(super) client: String,
    #[serde(default)]
    pub(super) action: String,
    #[serde(default)]
    pub(super) outcome: String,
    #[serde(default)]
    pub(super) from: String,
    #[serde(default)]
    pub(super) until: String,
    /// The cursor.
    #[serde(default)]
    pub(super) after: String,
}

/// Why filters make no sense.
pub(super) enum FilterFault {
    /// The person who gave them can correct it.
    Field(FieldProblem),
    Other(Problem),
}

impl From<Problem> for FilterFault {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl Filters {
    /// What to ask the history.
    pub(super) async fn parse(
        &self,
        frame: &Frame,
        users: &Users,
    ) -> Result<EventFilter, FilterFault> {
        let person = match self.person.trim() {
            "" => None,
            name => Some(users.resolve(name).await.map_err(|error| match error {
                LookupError::Unknown => FilterFault::Field(FieldProblem::new(
                    "person",
                    frame.text("console_audit.person_unknown"),
                )),
                LookupError::Database(error) => FilterFault::Other(error.into()),
            })?),
        };
        let client = match self.client.trim() {
            "" => None,
            text => Some(ClientId::named(text).ok_or_else(|| {
                let sentence = frame.text("console_audit.client_wrong");
                FilterFault::Field(FieldProblem::new("client", sentence))
            })?),
        };
        let instant = |field, text: &str| match text.trim() {
            "" => Ok(None),
            text => parse_instant(text).map(Some).ok_or_else(|| {
                let sentence = frame.text("console_audit.time_wrong");
                FilterFault::Field(FieldProblem::new(field, sentence))
            }),
        };
        let outcome = match self.outcome.as_str() {
            "" => None,
            text => Some(
                Outcome::parse(text)
                    .ok_or_else(|| Problem::invalid_parameter("outcome", "success or refused"))?,
            ),
        };
        let after = match self.after.as_str() {
            "" => None,
            text => Some(
                AuditEventId::parse(text)
                    .ok_or_else(|| Problem::invalid_parameter("after", "not a cursor"))?,
            ),
        };
        Ok(EventFilter {
            person,
            client,
            action: Some(self.action.clone()).filter(|action| !action.is_empty()),
            outcome,
            from: instant("from", &self.from)?,
            until: instant("until", &self.until)?,
            after,
        })
    }

    /// The address of a page with these filters.
    pub(super) fn url(&self, after: &str) -> String {
        address(
            "/admin/audit",
            &[
                ("person", &self.person),
                ("client", &self.client),
                ("action", &self.action),
                ("outcome", &self.outcome),
                ("from", &self.from),
                ("until", &self.until),
                ("after", after),
            ],
        )
    }

    /// What can be chosen, and what was.
    pub(super) fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = ACTIONS.map(str::to_owned).to_vec();
        if !self.action.is_empty() && !ACTIONS.contains(&self.action.as_str()) {
            actions.push(self.action.clone());
        }
        actions
    }
}

/// RFC 3339, or what a browser's field for a time holds, then in UTC.
pub(in crate::admin::pages) fn parse_instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}Z")))
        .or_else(|| Timestamp::parse(&format!("{text}:00Z")))
}

/// For a browser's field for a time, in UTC; empty where it is no time.
pub(super) fn field_value(text: &str) -> String {
    let at = parse_instant(text.trim()).map(Timestamp::to_rfc3339);
    let to_the_minute = at.as_deref().and_then(|at| at.get(..16));
    to_the_minute.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every quoted text of the source that has the form of an action.
    fn recorded_actions(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                recorded_actions(&path, found);
            } else if !path.ends_with("admin/pages/audit/filters.rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                found.extend(
                    text.split('"')
                        .filter(|text| is_action(text))
                        .map(str::to_owned),
                );
            }
        }
    }

    fn is_action(text: &str) -> bool {
        let is_word = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        text.split_once('.').is_some_and(|(kind, act)| {
            [
                "audit", "authorization", "client", "code", "configuration", "consent", "grant", "invitation", "key", "passkey", "policies", "request", "resource", "role", "session", "setup", "token", "user", "username",
            ]
            .contains(&kind)
                // Names of templates, texts and keys of the configuration are no actions.
                && !["html", "other", "title", "id", "type", "yaml", "service", "unnamed_service"].contains(&act)
                && !act.is_empty()
                && is_word(act)
        })
    }

    #[test]
    fn every_recorded_action_can_be_chosen() {
        let mut found = BTreeSet::new();
        recorded_actions(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        let offered: BTreeSet<String> = ACTIONS.iter().map(ToString::to_string).collect();
        assert_eq!(found, offered);
    }

    #[test]
    fn a_time_is_read_in_either_form() {
        let at = Timestamp::parse("2026-11-23T08:00:00Z");
        assert!(at.is_some());
        for text in [
            "2026-11-23T08:00",
            "2026-11-23T08:00:00",
            "2026-11-23T09:00:00+01:00",
        ] {
            assert_eq!(parse_instant(text), at, "{text}");
            assert_eq!(field_value(text), "2026-11-23T08:00");
        }
        assert_eq!(parse_instant("yesterday"), None);
        assert_eq!(field_value("yesterday"), "");
    }
}
