//! What pages with forms share: a refused field, a question before an act, and the way through a fresh sign-in.

use actix_web::http::StatusCode;
use askama::Template;

use super::{Answer, Frame, Problem, page};

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
    /// Whether a client's secret can be entered.
    pub asks_secret: bool,
    /// Why the secret was refused.
    pub problem: Option<FieldProblem>,
    /// The button.
    pub confirm_label: String,
    /// Whether the button warns.
    pub is_destructive: bool,
    /// Where else to go.
    pub cancel_url: String,
}

impl ConfirmPage {
    /// The question with the texts `confirm.{key}.title`, `.what`, `.button`, and `.undo` if there is one. The form posts to the path of
    /// the page, asks for a reason, and its button warns.
    pub fn new(frame: Frame, key: &str, values: &[(&str, &str)], cancel_url: String) -> Self {
        let say = |part: &str| {
            let key = format!("confirm.{key}.{part}");
            let text = frame.find_text(&key);
            text.map(|_| frame.text_with(&key, values))
        };
        Self {
            title: say("title").unwrap_or_default(),
            what: say("what").unwrap_or_default(),
            effects: Vec::new(),
            undo: say("undo"),
            action: frame.path.clone(),
            hidden: Vec::new(),
            version: None,
            asks_reason: true,
            option: None,
            asks_secret: false,
            problem: None,
            confirm_label: say("button").unwrap_or_default(),
            is_destructive: true,
            cancel_url,
            frame,
        }
    }
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

impl StepUpPage {
    /// The page before an act with the text `step_up.act.{key}`.
    pub fn show(frame: Frame, key: &str, values: &[(&str, &str)], cancel_url: String) -> Answer {
        page(&Self {
            what: frame.text_with(&format!("step_up.act.{key}"), values),
            action: frame.path.clone(),
            cancel_url,
            frame,
        })
    }
}

/// The version of the record that a form was rendered for.
///
/// # Errors
/// `invalid-field` for a form that names none.
pub fn rendered_version(sent: &str) -> Result<i64, Problem> {
    let version = sent.parse();
    version.map_err(|_| Problem::invalid_field("version", "must be the version that is changed"))
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
        "This request changed nothing; an earlier one may have. Reload the page to see the latest version.",
    ))
}
