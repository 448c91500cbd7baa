//! The form of a role assignment.

use serde::Deserialize;

use crate::access::{
    Description, Grant, GrantChange, GrantError, GrantRoles, ResourceId, ResourceName,
    ResourceType, Terms, Title, parse_instant,
};
use crate::admin::pages::confirm::one_line;
use crate::admin::pages::given;
use crate::web::{FieldProblem, Frame, Problem};

/// The submitted values, which are shown again if the form is refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct GrantForm {
    pub(super) resource_type: String,
    pub(super) resource_id: String,
    /// Role names, separated by spaces, commas or line breaks.
    pub(super) roles: String,
    pub(super) title: String,
    pub(super) description: String,
    /// RFC 3339; empty for no end.
    pub(super) valid_until: String,
    /// Version of the assignment that the form was rendered for.
    pub(super) version: String,
}

/// Name of the field that can't be used.
type Wrong = &'static str;

impl GrantForm {
    /// The form for an existing assignment.
    pub(super) fn of(grant: &Grant) -> Self {
        let until = grant.valid_until.map(|until| until.to_rfc3339());
        Self {
            resource_type: grant.resource_type.to_string(),
            resource_id: grant.resource_id.to_string(),
            roles: grant.roles.join(", "),
            title: grant.title.clone().unwrap_or_default(),
            description: grant.description.clone().unwrap_or_default(),
            valid_until: until.unwrap_or_default(),
            version: grant.version.to_string(),
        }
    }

    pub(super) fn resource(&self) -> Result<ResourceName, Wrong> {
        Ok(ResourceName {
            kind: ResourceType::parse(self.resource_type.trim()).map_err(|_| "resource_type")?,
            id: ResourceId::parse(self.resource_id.trim()).map_err(|_| "resource_id")?,
        })
    }

    pub(super) fn terms(&self) -> Result<Terms, Wrong> {
        let names = self.roles.split([',', ' ', '\t', '\r', '\n']);
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        let until = given(self.valid_until.trim());
        Ok(Terms {
            roles: GrantRoles::parse(&names).map_err(|_| "roles")?,
            title: Title::parse(&self.title).map_err(|_| "title")?,
            description: Description::parse(&one_line(&self.description))
                .map_err(|_| "description")?,
            valid_until: until
                .map(parse_instant)
                .transpose()
                .map_err(|_| "valid_until")?,
        })
    }

    pub(super) fn change(&self) -> Result<GrantChange, Wrong> {
        let terms = self.terms()?;
        Ok(GrantChange {
            roles: Some(terms.roles),
            title: Some(terms.title),
            description: Some(terms.description),
            valid_until: Some(terms.valid_until),
        })
    }
}

/// The problem that explains how to correct a field.
pub(in crate::admin::pages) fn wrong(frame: &Frame, field: Wrong) -> FieldProblem {
    let key = format!("console_grant.wrong.{field}");
    FieldProblem::new(field, frame.text(&key))
}

/// The problem to show at the form, or an error that can't be corrected there.
pub(super) fn explain(frame: &Frame, error: GrantError) -> Result<FieldProblem, Problem> {
    match error {
        GrantError::Past => Ok(wrong(frame, "valid_until")),
        GrantError::Exists(_) => {
            let sentence = frame.text("console_grant.exists");
            Ok(FieldProblem::new("resource_id", sentence))
        }
        GrantError::UserUnknown
        | GrantError::Unknown
        | GrantError::VersionIs(_)
        | GrantError::NotYours
        | GrantError::Acting(_)
        | GrantError::Pending(_)
        | GrantError::Database(_) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_can_be_wrong_has_its_sentence() {
        let frame = Frame::for_tests();
        for field in [
            "resource_type",
            "resource_id",
            "roles",
            "title",
            "description",
            "valid_until",
            "attributes",
        ] {
            let key = format!("console_grant.wrong.{field}");
            assert!(frame.find_text(&key).is_some(), "{key}");
        }
    }

    #[test]
    fn roles_are_separated_by_what_people_type() {
        let form = GrantForm {
            roles: " B, A\r\nC ".into(),
            ..GrantForm::default()
        };
        let roles = form.terms().expect("terms").roles;
        assert_eq!(roles.into_names(), ["A", "B", "C"]);
        assert_eq!(GrantForm::default().terms(), Err("roles"));
    }
}
