//! Shared parts of pages with forms: field errors, confirmation pages and step-up pages.

use actix_web::http::StatusCode;
use askama::Template;

use super::{Answer, Frame, Problem, page};

/// Why a form was refused; shown on the page of the form.
#[derive(Clone, Debug)]
pub struct FieldProblem {
    /// Name of the field; empty if the error concerns no single field.
    pub field: &'static str,
    /// What the user has to do.
    pub sentence: String,
}

impl FieldProblem {
    /// Creates the error of a field.
    pub fn new(field: &'static str, sentence: &str) -> Self {
        Self {
            field,
            sentence: sentence.to_owned(),
        }
    }
}

/// Hidden form field.
#[derive(Clone, Debug)]
pub struct HiddenField {
    /// Name of the field.
    pub name: &'static str,
    /// Value of the field.
    pub value: String,
}

impl HiddenField {
    /// Creates fields from names and values, in this order.
    pub fn list(fields: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Self> {
        let fields = fields.into_iter();
        fields.map(|(name, value)| Self { name, value }).collect()
    }
}

/// Confirmation page before a change.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub struct ConfirmPage {
    /// Frame of the page.
    pub frame: Frame,
    /// Title: a question that names the affected user or resource.
    pub title: String,
    /// Introduction of the list of effects.
    pub what: String,
    /// What will stop working, one sentence each.
    pub effects: Vec<String>,
    /// How the change can be undone.
    pub undo: Option<String>,
    /// Path that the form is posted to.
    pub action: String,
    /// Hidden fields of the form.
    pub hidden: Vec<HiddenField>,
    /// Version of the record that the form changes, if it has versions.
    pub version: Option<i64>,
    /// Whether the form asks for a reason.
    pub asks_reason: bool,
    /// Name and label of a checkbox for an additional option.
    pub option: Option<(&'static str, String)>,
    /// Whether a client secret can be entered.
    pub asks_secret: bool,
    /// Why the client secret was refused.
    pub problem: Option<FieldProblem>,
    /// Label of the button.
    pub confirm_label: String,
    /// Whether the button is styled as destructive.
    pub is_destructive: bool,
    /// Target of the cancel link.
    pub cancel_url: String,
}

impl ConfirmPage {
    /// Creates the page with the texts `confirm.{key}.title`, `.what`, `.button`, and `.undo` if it exists. The form posts to the
    /// path of the page, asks for a reason, and its button is styled as destructive.
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

/// Response to a form that requires a recent sign-in: the page runs a step-up ceremony, then submits the form again.
#[derive(Debug, Template)]
#[template(path = "step_up.html")]
pub struct StepUpPage {
    /// Frame of the page.
    pub frame: Frame,
    /// Operation that continues after the ceremony.
    pub what: String,
    /// Path that the form was posted to. The frame has its fields.
    pub action: String,
    /// Target of the cancel link.
    pub cancel_url: String,
}

impl StepUpPage {
    /// Renders the page for the operation with the text `step_up.act.{key}`.
    pub fn show(frame: Frame, key: &str, values: &[(&str, &str)], cancel_url: String) -> Answer {
        page(&Self {
            what: frame.text_with(&format!("step_up.act.{key}"), values),
            action: frame.path.clone(),
            cancel_url,
            frame,
        })
    }
}

/// Parses the version of the record that a form was rendered for.
///
/// # Errors
/// `invalid-field` if it is missing or not a number.
pub fn rendered_version(sent: &str) -> Result<i64, Problem> {
    let version = sent.parse();
    version.map_err(|_| Problem::invalid_field("version", "must be the version that is changed"))
}

/// Requires that a form was rendered for the current version of the record that it changes.
///
/// # Errors
/// `changed-since` if the version is another one, missing or not a number.
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
