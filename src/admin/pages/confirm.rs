//! Actions with a confirmation page: `GET` asks, `POST` runs the action, after a step-up if the sign-in is not recent.

use std::collections::HashMap;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::visitor::{Needs, Visitor};
use crate::admin::http::parse_reason;
use crate::users::{Permit, User};
use crate::web::{Answer, ConfirmPage, Frame, Problem, StepUpPage, page, require_rendered_version};

/// An action and its target. Its texts are `confirm.{key}.…` and `step_up.act.{key}`.
pub(super) trait ConfirmedAction: Sized {
    /// The permissions that the visitor needs.
    type Needs: Needs;
    /// Whether the page has a field for a reason.
    const ASKS_REASON: bool = true;
    /// Whether the button warns of a destructive action.
    const IS_DESTRUCTIVE: bool = true;

    /// Finds the target, if the visitor may know it.
    async fn find(visitor: &Visitor<Self::Needs>, sent: &Sent) -> Result<Self, Problem>;

    fn target(&self) -> Target;

    /// The effects of the action, one sentence each; an error if it is known that the action would be refused.
    async fn effects(&self, _visitor: &Visitor<Self::Needs>) -> Result<Vec<String>, Problem> {
        Ok(Vec::new())
    }

    /// The confirmation page.
    async fn ask(&self, visitor: &Visitor<Self::Needs>) -> Result<ConfirmPage, Problem> {
        Ok(ConfirmPage {
            effects: self.effects(visitor).await?,
            ..self.question(visitor.frame())
        })
    }

    /// Whether a form for an older version of the target is accepted. Also publishes a change that an earlier request may only
    /// have committed.
    async fn accepts_older(&self, _visitor: &Visitor<Self::Needs>) -> Result<bool, Problem> {
        Ok(false)
    }

    /// Runs the action.
    async fn run(self, visitor: &Visitor<Self::Needs>, confirmed: Confirmed) -> Answer;

    fn question(&self, frame: Frame) -> ConfirmPage {
        let target = self.target();
        ConfirmPage {
            version: target.version,
            asks_reason: Self::ASKS_REASON,
            is_destructive: Self::IS_DESTRUCTIVE,
            ..ConfirmPage::new(frame, target.key, &target.values(), target.url.clone())
        }
    }
}

/// The target of an action.
pub(super) struct Target {
    pub(super) key: &'static str,
    /// Values for the texts, by name.
    pub(super) values: Vec<(&'static str, String)>,
    /// Version of the target, if it has versions.
    pub(super) version: Option<i64>,
    /// URL of the target's page.
    pub(super) url: String,
}

impl Target {
    pub(super) fn user(key: &'static str, user: &User) -> Self {
        Self {
            key,
            values: vec![("name", user.display_name.clone())],
            version: Some(user.version),
            url: user_url(user),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.values.push((name, value.to_owned()));
        self
    }

    pub(super) fn values(&self) -> Vec<(&str, &str)> {
        let values = self.values.iter();
        values
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    /// A text with the values filled in.
    pub(super) fn text(&self, frame: &Frame, key: &str) -> String {
        frame.text_with(key, &self.values())
    }
}

/// A confirmed action.
pub(super) struct Confirmed {
    pub(super) reason: Option<String>,
    pub(super) permit: Permit,
    pub(super) sent: Sent,
}

/// What a request contains: the variable parts of its path, and the fields of its form or query.
pub(super) struct Sent {
    pub(super) path: Names,
    fields: Fields,
}

/// The variable parts of a path; empty if the path has no such part.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Names {
    pub(super) user: String,
    pub(super) passkey: String,
    pub(super) session: String,
    pub(super) username: String,
    pub(super) client: String,
    pub(super) act: String,
    pub(super) role_assignment: String,
    pub(super) role: String,
    pub(super) invitation: String,
}

type Fields = HashMap<String, String>;

impl Sent {
    /// The value of a field; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let value = self.fields.get(name);
        value.map(String::as_str).unwrap_or_default()
    }
}

pub(super) async fn ask<A: ConfirmedAction>(
    visitor: Visitor<A::Needs>,
    path: web::Path<Names>,
    query: web::Query<Fields>,
) -> Answer {
    let (path, fields) = (path.into_inner(), query.into_inner());
    let sent = Sent { path, fields };
    let act = A::find(&visitor, &sent).await?;
    page(&act.ask(&visitor).await?)
}

pub(super) async fn run<A: ConfirmedAction>(
    visitor: Visitor<A::Needs>,
    path: web::Path<Names>,
    form: web::Form<Fields>,
) -> Answer {
    let (path, fields) = (path.into_inner(), form.into_inner());
    let sent = Sent { path, fields };
    let act = A::find(&visitor, &sent).await?;
    let reason = parse_reason(&one_line(sent.get("reason")))?;
    let target = act.target();
    if let Some(version) = target.version
        && let Err(changed) = require_rendered_version(sent.get("version"), version)
        && !act.accepts_older(&visitor).await?
    {
        return Err(changed);
    }
    let Ok(permit) = visitor.permit() else {
        let frame = visitor.frame();
        return StepUpPage::show(frame, target.key, &target.values(), target.url.clone());
    };
    let confirmed = Confirmed {
        reason,
        permit,
        sent,
    };
    act.run(&visitor, confirmed).await
}

#[derive(Template)]
#[template(path = "admin_done.html")]
pub(super) struct DonePage {
    pub(super) frame: Frame,
    pub(super) title: String,
    /// What was actually revoked or ended, one sentence each.
    pub(super) cut: Vec<String>,
    pub(super) user_url: String,
    pub(super) user_name: String,
}

/// URL of a user's page.
pub(super) fn user_url(user: &User) -> String {
    format!("/admin/users/{}", user.id)
}

/// Joins the lines of a text: a text area has several, but a reason or description has only one.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line() {
        let parse = |reason: &str| parse_reason(&one_line(reason));
        let parsed = parse(" Phone\r\nstolen ").expect("a reason");
        assert_eq!(parsed.as_deref(), Some("Phone stolen"));
        assert_eq!(parse(" \n ").expect("none"), None);
        assert!(parse(&"x".repeat(201)).is_err());
    }

    #[test]
    fn every_action_has_its_texts() {
        let frame = Frame::for_tests();
        for (key, has_done_page) in [
            ("suspend", true),
            ("reactivate", false),
            ("recovery_link", false),
            ("revoke_passkey", true),
            ("end_session", true),
            ("end_all_sessions", true),
            ("verify_email", false),
            ("release_username", false),
            ("client_secret", false),
            ("disable_client", false),
            ("enable_client", false),
            ("delete_client", false),
            ("delete_role", false),
            ("delete_role_assignment", true),
            ("delete_resource", false),
            ("revoke_invitation", false),
        ] {
            let mut wanted = vec![format!("step_up.act.{key}")];
            wanted.extend(["title", "what", "button"].map(|part| format!("confirm.{key}.{part}")));
            wanted.extend(has_done_page.then(|| format!("admin_done.{key}.title")));
            for key in wanted {
                assert!(frame.find_text(&key).is_some(), "{key}");
            }
        }
    }
}
