//! The client form: converts client metadata into field values, and submitted values into a change.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::fields::{self, CHOSEN, Field, Kind, SECTIONS, Section};
use crate::clients::ClientChange;
use crate::web::{FieldProblem, Frame, Problem};

/// Value of a checked checkbox.
const CHECKED: &str = "yes";

/// The values of the inputs, by name: as submitted, or as first shown.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientForm(BTreeMap<&'static str, String>);

/// A section of the form, for `parts/client_form.html`.
pub(super) struct SectionView {
    pub(super) title: &'static str,
    pub(super) fields: Vec<FieldView>,
    pub(super) is_wrong: bool,
}

/// A field of the form.
pub(super) struct FieldView {
    pub(super) name: &'static str,
    /// One of `line`, `secret`, `lines`, `number`, `switch`, `choice`, `boxes`.
    pub(super) control: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: Option<&'static str>,
    pub(super) value: String,
    /// Height of a text area, in lines.
    pub(super) rows: usize,
    pub(super) choices: Vec<ChoiceView>,
    pub(super) is_wrong: bool,
}

/// A value that can be chosen.
pub(super) struct ChoiceView {
    /// Name of the checkbox, or of the field if its values have no checkboxes.
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    pub(super) label: &'static str,
    pub(super) is_chosen: bool,
}

impl ClientForm {
    /// The form as submitted.
    pub(super) fn sent(mut sent: HashMap<String, String>) -> Self {
        let mut form = Self::default();
        for field in fields::all() {
            for name in field.kind.boxes(field.name) {
                form.put(name, sent.remove(name).unwrap_or_default());
            }
        }
        form
    }

    /// The form for a registered client, or for the metadata of a new one, with the member names of RFC 7591.
    pub(super) fn of(registered: &Value) -> Self {
        let mut form = Self::default();
        // No method was registered explicitly; the record contains the default of RFC 7591.
        let has_no_method = registered["accepts_either_secret_method"] == json!(true);
        for field in fields::all() {
            let value = match field.name {
                "token_endpoint_auth_method" if has_no_method => &Value::Null,
                name => &registered[name],
            };
            if let Kind::Checkboxes(boxes) = field.kind {
                let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
                for (name, choice) in boxes {
                    form.put(name, checked(values.contains(&json!(choice))));
                }
            } else {
                form.put(field.name, written(field.kind, value));
            }
        }
        form
    }

    /// Sets the value of an input.
    pub(super) fn put(&mut self, name: &'static str, value: String) {
        self.0.insert(name, value);
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The client's name as typed.
    pub(super) fn name(&self) -> &str {
        self.get("client_name")
    }

    /// The change to what the form contains.
    ///
    /// # Errors
    /// `invalid-body`, which a form of the admin pages never causes.
    pub(super) fn to_change(&self) -> Result<ClientChange, Problem> {
        let members: Map<String, Value> = fields::all()
            .map(|field| (field.name.to_owned(), self.read(field)))
            .collect();
        serde_json::from_value(Value::Object(members))
            .map_err(|error| Problem::invalid_body(error.to_string()))
    }

    fn read(&self, field: &Field) -> Value {
        let text = self.get(field.name).trim();
        let entries = |entries: Vec<&str>| {
            let entries = entries.into_iter().map(str::trim);
            json!(
                entries
                    .filter(|entry| !entry.is_empty())
                    .collect::<Vec<_>>()
            )
        };
        match field.kind {
            Kind::Optional | Kind::OptionalChoice(_) | Kind::Number if text.is_empty() => {
                Value::Null
            }
            Kind::Text
            | Kind::Secret
            | Kind::Choice(_)
            | Kind::Optional
            | Kind::OptionalChoice(_) => json!(text),
            // A text that is not a number becomes -1, which is refused as out of range.
            Kind::Number => json!(text.parse::<i64>().unwrap_or(-1)),
            Kind::Lines => entries(text.lines().collect()),
            Kind::Words => entries(text.split_whitespace().collect()),
            Kind::Checkbox => json!(!text.is_empty()),
            Kind::Checkboxes(boxes) => {
                let checked = boxes.iter().filter(|(name, _)| !self.get(name).is_empty());
                json!(checked.map(|(_, value)| value).collect::<Vec<_>>())
            }
        }
    }

    /// The sections of the form of an existing client.
    pub(super) fn sections(
        &self,
        frame: &Frame,
        problem: Option<&FieldProblem>,
    ) -> Vec<SectionView> {
        let sections = SECTIONS.iter();
        sections
            .map(|section| self.section(frame, section, problem))
            .collect()
    }

    /// The sections of the form of a new client, whose ID and secret can be chosen. `has_lost_secret`: a secret was typed,
    /// which no page contains, so the section with its field is open.
    pub(super) fn sections_of_new(
        &self,
        frame: &Frame,
        problem: Option<&FieldProblem>,
        has_lost_secret: bool,
    ) -> Vec<SectionView> {
        let mut sections = self.sections(frame, problem);
        let mut chosen = self.section(frame, &CHOSEN, problem);
        chosen.is_wrong |= has_lost_secret;
        sections.push(chosen);
        sections
    }

    fn section(
        &self,
        frame: &Frame,
        section: &Section,
        problem: Option<&FieldProblem>,
    ) -> SectionView {
        let fields = section.fields.iter();
        let fields: Vec<FieldView> = fields
            .map(|field| self.view(frame, field, problem))
            .collect();
        SectionView {
            title: sentence(frame, &format!("client_section.{}", section.key)),
            is_wrong: fields.iter().any(|field| field.is_wrong),
            fields,
        }
    }

    fn view(&self, frame: &Frame, field: &Field, problem: Option<&FieldProblem>) -> FieldView {
        let choice = |name, value: &'static str, is_chosen| ChoiceView {
            name,
            value,
            label: frame
                .find_text(&format!("client_choice.{}.{value}", field.name))
                .unwrap_or_else(|| sentence(frame, &format!("client_choice.{value}"))),
            is_chosen,
        };
        let value = self.get(field.name);
        let one_of = |values: &'static [&'static str]| {
            let values = values.iter();
            values
                .map(|one| choice(field.name, one, *one == value))
                .collect()
        };
        let (control, choices) = match field.kind {
            Kind::Text | Kind::Optional | Kind::Words => ("line", Vec::new()),
            Kind::Secret => ("secret", Vec::new()),
            Kind::Lines => ("lines", Vec::new()),
            Kind::Number => ("number", Vec::new()),
            Kind::Checkbox => ("switch", Vec::new()),
            Kind::Choice(values) => ("choice", one_of(values)),
            Kind::OptionalChoice(values) => {
                let none = ChoiceView {
                    name: field.name,
                    value: "",
                    label: frame
                        .find_text(&format!("client_choice.{}.any", field.name))
                        .unwrap_or_else(|| sentence(frame, "client_choice.any")),
                    is_chosen: value.is_empty(),
                };
                let others: Vec<ChoiceView> = one_of(values);
                ("choice", std::iter::once(none).chain(others).collect())
            }
            Kind::Checkboxes(boxes) => {
                let boxes = boxes.iter();
                let boxes =
                    boxes.map(|(name, value)| choice(name, value, !self.get(name).is_empty()));
                ("boxes", boxes.collect())
            }
        };
        FieldView {
            name: field.name,
            control,
            label: sentence(frame, &format!("client_field.{}", field.name)),
            hint: frame.find_text(&format!("client_field.{}.hint", field.name)),
            value: value.to_owned(),
            rows: value.lines().count().clamp(3, 12),
            choices,
            is_wrong: problem.is_some_and(|problem| problem.field == field.name),
        }
    }
}

impl Kind {
    /// The names of the inputs of a field.
    fn boxes(self, name: &'static str) -> Vec<&'static str> {
        match self {
            Self::Checkboxes(boxes) => boxes.iter().map(|(name, _)| *name).collect(),
            _ => vec![name],
        }
    }
}

fn checked(is_checked: bool) -> String {
    if is_checked {
        CHECKED.to_owned()
    } else {
        String::new()
    }
}

/// The value of a metadata member as the form contains it.
fn written(kind: Kind, value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::Bool(is_on) if matches!(kind, Kind::Choice(_)) => is_on.to_string(),
        Value::Bool(is_on) => checked(*is_on),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(entries) => {
            let between = if matches!(kind, Kind::Lines) {
                "\n"
            } else {
                " "
            };
            let entries: Vec<&str> = entries.iter().filter_map(Value::as_str).collect();
            entries.join(between)
        }
    }
}

pub(super) fn sentence(frame: &Frame, key: &str) -> &'static str {
    frame.find_text(key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::{FieldErrorKind, Metadata};

    fn frame() -> Frame {
        Frame::for_tests()
    }

    #[test]
    fn every_setting_is_a_field_and_round_trips() {
        let mut registered = json!(Metadata {
            client_uri: Some("https://app.example/".into()),
            default_max_age: Some(60),
            default_acr_values: vec!["phr".into(), "phrh".into()],
            resources: vec!["urn:a:b".into(), "urn:c:d".into()],
            ..Metadata::default()
        });
        let names: Vec<&str> = fields::all().map(|field| field.name).collect();
        for name in registered.as_object().expect("members").keys() {
            // Derived from the chosen method.
            let is_derived = name == "accepts_either_secret_method";
            assert!(is_derived || names.contains(&name.as_str()), "{name}");
        }
        registered["client_name"] = json!("An app");
        registered["scope"] = json!("openid users:read");
        let form = ClientForm::of(&registered);
        let change = form.to_change().expect("a change");
        assert_eq!(change.client_name.as_deref(), Some("An app"));
        assert_eq!(change.default_max_age, Some(Some(60)));
        assert_eq!(change.policy_uri, Some(None));
        assert_eq!(change.token_endpoint_auth_method, Some(None));
        assert_eq!(change.require_pkce, Some(json!("auto")));
        assert_eq!(change.claims_in_id_token, Some(true));
        assert_eq!(change.grant_types, Some(vec!["client_credentials".into()]));
        assert_eq!(change.resources.map(|all| all.len()), Some(2));
        assert_eq!(change.default_acr_values.map(|all| all.len()), Some(2));
        let fields = form.clone().0.into_iter();
        let again = fields.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(ClientForm::sent(again.collect()).0, form.0);
    }

    #[test]
    fn every_field_choice_and_error_has_a_text() {
        let frame = frame();
        for section in ClientForm::default().sections_of_new(&frame, None, false) {
            let first = section.fields.first().map(|field| field.name);
            assert_ne!(section.title, "", "{first:?}");
            for field in section.fields {
                assert_ne!(field.label, "", "{}", field.name);
                for choice in field.choices {
                    assert_ne!(choice.label, "", "{}", choice.value);
                }
            }
        }
        for fault in [
            FieldErrorKind::Name,
            FieldErrorKind::RedirectNotAbsolute,
            FieldErrorKind::RedirectWildcard,
            FieldErrorKind::RedirectFragment,
            FieldErrorKind::RedirectUserInfo,
            FieldErrorKind::RedirectScheme,
            FieldErrorKind::RedirectTooLong,
            FieldErrorKind::TooMany,
            FieldErrorKind::Choice(""),
            FieldErrorKind::ScopeName,
            FieldErrorKind::ScopeUnknown,
            FieldErrorKind::ScopeUseless,
            FieldErrorKind::RoleUnknown,
            FieldErrorKind::RedirectNeeded,
            FieldErrorKind::CodeNeeded,
            FieldErrorKind::SecretNeeded,
            FieldErrorKind::PkceNeeded,
            FieldErrorKind::RotationNeeded,
            FieldErrorKind::Page,
            FieldErrorKind::Endpoint,
            FieldErrorKind::Service,
            FieldErrorKind::Audience,
            FieldErrorKind::AudienceIsClient,
            FieldErrorKind::OwnRedirect,
            FieldErrorKind::OwnAudience,
            FieldErrorKind::SidRequired,
            FieldErrorKind::Acr,
            FieldErrorKind::Age,
            FieldErrorKind::Lifetime,
            FieldErrorKind::RefreshLifetime,
            FieldErrorKind::ResponseTypes,
            FieldErrorKind::Client,
            FieldErrorKind::ClientId,
            FieldErrorKind::ClientIdTaken,
            FieldErrorKind::Secret,
            FieldErrorKind::SecretOfPublic,
            FieldErrorKind::AtRegistration,
            FieldErrorKind::Role,
        ] {
            assert_ne!(
                sentence(&frame, &format!("client_fault.{}", fault.key())),
                "",
                "{fault}"
            );
        }
    }
}
