//! What pages with forms share: a refused field, a question before an act, and the way through a fresh sign-in.

use actix_web::http::StatusCode;
use askama::Template;

use super::{Frame, Problem};

/// Why a form was refused: shown on the page that it came from.
#[derive(Clone, Debug)]
pub struct FieldProblem {
    /// The field's name; empty where it is none of them.
    pub field: &'static str,
    /// What to do.
    pub sentence: String,
}

impl FieldProblem {
    /// What to do about a field.
    pub fn new(field: &'static str, sentence: &str) -> Self {
        Self {
            field,
            sentence: sentence.to_owned(),
        }
    }
}

/// Something that a form carries unseen.
#[derive(Clone, Debug)]
pub struct HiddenField {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

impl HiddenField {
    /// Fields by their names and values, in this order.
    pub fn list(fields: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Self> {
        let fields = fields.into_iter();
        fields.map(|(name, value)| Self { name, value }).collect()
    }
}

/// A question before an act, at the path that its form posts to.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub struct ConfirmPage {
    /// The frame.
    pub frame: Frame,
    /// The question; it names the person.
    pub title: String,
    /// What the list of effects is about.
    pub what: String,
    /// What will stop working, a sentence each.
    pub effects: Vec<String>,
    /// How it is undone.
    pub undo: Option<String>,
    /// Path that the form is posted to.
    pub action: String,
    /// What the form carries.
    pub hidden: Vec<HiddenField>,
    /// The version of the record that the form changes, if it has versions.
    pub version: Option<i64>,
    /// Whether it asks why.
    pub asks_reason: bool,
    /// What may be done besides: the name of a checkbox, and its label.
    pub option: Option<(&'static str, String)>,
    /// The button.
    pub confirm_label: String,
    /// Whether the button warns.
    pub is_destructive: bool,
    /// Where else to go.
    pub cancel_url: String,
}

/// The answer to a form that needs a fresher sign-in: the page asks for the passkey, then sends the form again.
#[derive(Debug, Template)]
#[template(path = "step_up.html")]
pub struct StepUpPage {
    /// The frame.
    pub frame: Frame,
    /// What goes on afterwards.
    pub what: String,
    /// Where the form was posted to. The frame has its fields.
    pub action: String,
    /// Where else to go.
    pub cancel_url: String,
}

/// Requires that a form was rendered for the current version of the record that it changes.
///
/// # Errors
/// `changed-since` for any other version, and for a form that names none.
pub fn require_rendered_version(sent: &str, version: i64) -> Result<(), Problem> {
    if sent.parse() == Ok(version) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "changed-since",
        "Changed since the page was opened",
        "Nothing was done. Open the page again to see how it is now.",
    ))
}
