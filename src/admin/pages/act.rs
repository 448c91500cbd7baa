//! What an administrator does about a person: asked about before, put off for a fresh sign-in, told afterwards.

use askama::Template;
use serde::Deserialize;

use super::super::http::parse_reason;
use crate::users::User;
use crate::web::{Answer, ConfirmPage, Frame, Problem, StepUpPage, page, require_rendered_version};

/// An act, with what it names besides the person.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act<'a> {
    Suspend,
    Reactivate,
    EnrolmentLink,
    /// A passkey of this name.
    RevokePasskey(&'a str),
    EndSession,
    EndAllSessions,
    /// Vouching for this address.
    VerifyEmail(&'a str),
    /// Releasing this former name.
    ReleaseUsername(&'a str),
}

/// What a confirmation carries.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReasonForm {
    #[serde(default)]
    reason: String,
    /// The version of the record that is changed.
    #[serde(default)]
    version: String,
    /// Whether the clients that a client registered are disabled with it.
    #[serde(default)]
    pub(super) with_registered: String,
}

impl ReasonForm {
    /// On one line: a text area has many.
    pub(super) fn parse(&self) -> Result<Option<String>, Problem> {
        let words: Vec<&str> = self.reason.split_whitespace().collect();
        parse_reason(&words.join(" "))
    }

    /// Requires that the record has not changed since the confirmation page was rendered.
    ///
    /// # Errors
    /// `changed-since`.
    pub(super) fn require_version(&self, version: i64) -> Result<(), Problem> {
        require_rendered_version(&self.version, version)
    }
}

#[derive(Template)]
#[template(path = "console_done.html")]
struct ConsoleDonePage {
    frame: Frame,
    title: String,
    cut: Vec<String>,
    person_url: String,
    person_name: String,
}

impl Act<'_> {
    /// The middle of its text keys.
    fn key(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::EnrolmentLink => "enrolment_link",
            Self::RevokePasskey(_) => "revoke_passkey",
            Self::EndSession => "end_session",
            Self::EndAllSessions => "end_all_sessions",
            Self::VerifyEmail(_) => "verify_email",
            Self::ReleaseUsername(_) => "release_username",
        }
    }

    fn is_destructive(self) -> bool {
        match self {
            Self::Suspend | Self::RevokePasskey(_) | Self::EndSession | Self::EndAllSessions => {
                true
            }
            Self::Reactivate
            | Self::EnrolmentLink
            | Self::VerifyEmail(_)
            | Self::ReleaseUsername(_) => false,
        }
    }

    fn text(self, frame: &Frame, key: &str, person: &User) -> String {
        let (passkey, email, username) = match self {
            Self::RevokePasskey(name) => (name, "", ""),
            Self::VerifyEmail(address) => ("", address, ""),
            Self::ReleaseUsername(name) => ("", "", name),
            Self::Suspend
            | Self::Reactivate
            | Self::EnrolmentLink
            | Self::EndSession
            | Self::EndAllSessions => ("", "", ""),
        };
        let name = person.display_name.as_str();
        frame.text_with(
            key,
            &[
                ("name", name),
                ("passkey", passkey),
                ("email", email),
                ("username", username),
            ],
        )
    }

    /// Asks once.
    pub(super) fn confirm(self, frame: Frame, person: &User, effects: Vec<String>) -> Answer {
        let text = |part: &str| {
            let key = format!("confirm.{}.{part}", self.key());
            frame
                .find_text(&key)
                .map(|_| self.text(&frame, &key, person))
        };
        page(&ConfirmPage {
            title: text("title").unwrap_or_default(),
            what: text("what").unwrap_or_default(),
            effects,
            undo: text("undo"),
            action: frame.path.clone(),
            hidden: Vec::new(),
            version: Some(person.version),
            asks_reason: !matches!(
                self,
                Self::EnrolmentLink | Self::VerifyEmail(_) | Self::ReleaseUsername(_)
            ),
            option: None,
            confirm_label: text("button").unwrap_or_default(),
            is_destructive: self.is_destructive(),
            cancel_url: person_url(person),
            frame,
        })
    }

    /// Asks for the passkey first, then sends the form again.
    pub(super) fn step_up(self, frame: Frame, person: &User) -> Answer {
        page(&StepUpPage {
            what: self.text(&frame, &format!("step_up.act.{}", self.key()), person),
            action: frame.path.clone(),
            cancel_url: person_url(person),
            frame,
        })
    }

    /// Tells what was actually cut: how many sessions, and the passkey that the act names.
    pub(super) fn done(self, frame: Frame, person: &User, sessions: usize) -> Answer {
        let mut cut = Vec::new();
        if let Self::RevokePasskey(_) = self {
            cut.push(self.text(&frame, "console_done.passkey", person));
        }
        if sessions > 0 {
            cut.push(frame.text_counted("console_done.sessions", sessions));
        }
        page(&ConsoleDonePage {
            title: self.text(
                &frame,
                &format!("console_done.{}.title", self.key()),
                person,
            ),
            cut,
            person_url: person_url(person),
            person_name: person.display_name.clone(),
            frame,
        })
    }
}

/// The page of a person.
pub(super) fn person_url(person: &User) -> String {
    format!("/admin/users/{}", person.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_its_sentences() {
        let frame = Frame {
            place: "Here".into(),
            place_host: "localhost".into(),
            signed_in: None,
            path: "/admin".into(),
            sent: Vec::new(),
            restored: None,
        };
        for (act, has_done_page) in [
            (Act::Suspend, true),
            (Act::Reactivate, false),
            (Act::EnrolmentLink, false),
            (Act::RevokePasskey("Phone"), true),
            (Act::EndSession, true),
            (Act::EndAllSessions, true),
            (Act::VerifyEmail("a@b.c"), false),
            (Act::ReleaseUsername("ceo"), false),
        ] {
            let key = act.key();
            let mut wanted = vec![format!("step_up.act.{key}")];
            wanted.extend(["title", "what", "button"].map(|part| format!("confirm.{key}.{part}")));
            wanted.extend(has_done_page.then(|| format!("console_done.{key}.title")));
            for key in wanted {
                assert!(frame.find_text(&key).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn a_reason_is_one_line() {
        let form = |reason: &str| ReasonForm {
            reason: reason.into(),
            ..ReasonForm::default()
        };
        let parsed = form(" Phone\r\nstolen ").parse().expect("a reason");
        assert_eq!(parsed.as_deref(), Some("Phone stolen"));
        assert_eq!(form(" \n ").parse().expect("none"), None);
        assert!(form(&"x".repeat(201)).parse().is_err());
    }
}
