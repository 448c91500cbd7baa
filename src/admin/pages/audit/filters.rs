//! The filters of the audit page, which are the parameters of its URL.

use serde::Deserialize;

use crate::admin::http::audit::parse_outcome;
use crate::admin::pages::{Pager, given};
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId};
use crate::history::EventFilter;
use crate::users::{LookupError, Users};
use crate::web::{FieldProblem, Frame, Problem, cursor, names_with_text, parameter};

/// The filters as submitted; empty ones match every event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct Filters {
    pub(super) user: String,
    /// A `client_id`.
    pub(super) client: String,
    pub(super) action: String,
    pub(super) outcome: String,
    pub(super) from: String,
    pub(super) until: String,
    /// Cursor: lists the events after this one.
    pub(super) after: String,
}

/// Why the filters can't be used.
pub(super) enum FilterFault {
    /// A value that the user can correct.
    Field(FieldProblem),
    Other(Problem),
}

impl From<Problem> for FilterFault {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl Filters {
    /// Parses the filters into a query of the history.
    pub(super) async fn parse(
        &self,
        frame: &Frame,
        users: &Users,
    ) -> Result<EventFilter, FilterFault> {
        let wrong = |field, key| FilterFault::Field(FieldProblem::new(field, frame.text(key)));
        let user = match given(self.user.trim()) {
            None => None,
            Some(name) => Some(users.resolve(name).await.map_err(|error| match error {
                LookupError::Unknown => wrong("user", "admin_audit.user_unknown"),
                LookupError::Database(error) => FilterFault::Other(error.into()),
            })?),
        };
        let client = given(self.client.trim()).map(|text| {
            ClientId::named(text).ok_or_else(|| wrong("client", "admin_audit.client_wrong"))
        });
        let instant = |field, text: &str| {
            let text = given(text.trim());
            text.map(|text| {
                parse_instant(text).ok_or_else(|| wrong(field, "admin_audit.time_wrong"))
            })
            .transpose()
        };
        Ok(EventFilter {
            user,
            client: client.transpose()?,
            outcome: parameter("outcome", given(&self.outcome), parse_outcome)?,
            after: cursor(given(&self.after), AuditEventId::parse)?,
            action: given(&self.action).map(str::to_owned),
            from: instant("from", &self.from)?,
            until: instant("until", &self.until)?,
        })
    }

    /// The other pages with these filters.
    pub(super) fn pages(&self, next: Option<&str>) -> Pager {
        let filters = [
            ("user", self.user.as_str()),
            ("client", &self.client),
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("from", &self.from),
            ("until", &self.until),
        ];
        Pager::new("/admin/audit", &filters, &self.after, next)
    }

    /// The actions that can be chosen, which are those with a text, and the submitted one if it is another.
    pub(super) fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = names_with_text("audit_action.")
            .map(str::to_owned)
            .collect();
        if !self.action.is_empty() && !actions.contains(&self.action) {
            actions.push(self.action.clone());
        }
        actions
    }
}

/// Parses an RFC 3339 time, or the value of a `datetime-local` input, which counts as UTC.
pub(in crate::admin::pages) fn parse_instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}Z")))
        .or_else(|| Timestamp::parse(&format!("{text}:00Z")))
}

/// Formats a time for a `datetime-local` input, in UTC; empty if the text is not a time.
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

    /// Collects all quoted texts in the sources that have the syntax of an action.
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
                "audit", "authorization", "client", "code", "configuration", "consent", "invitation", "key", "passkey", "policies", "request", "resource", "role", "role_assignment", "session", "setup", "token", "user", "username",
            ]
            .contains(&kind)
                // Names of templates, texts and configuration keys have the same syntax, but are not actions.
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
        let offered: BTreeSet<String> = Filters::default().actions().into_iter().collect();
        assert_eq!(found, offered);
    }

    #[test]
    fn a_time_is_parsed_in_either_format() {
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
