//! The form of a role assignment.

use serde::Deserialize;

use crate::admin::pages::confirm::one_line;
use crate::admin::pages::given;
use crate::assignments::{
    AssignedRoles, Description, ResourceId, ResourceName, ResourceType, RoleAssignment,
    RoleAssignmentChange, RoleAssignmentError, RoleAssignmentTerms, Title, parse_instant,
};
use crate::web::{FieldProblem, Frame, Problem};

/// The submitted values, which are shown again if the form is refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct RoleAssignmentForm {
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

impl RoleAssignmentForm {
    /// The form for an existing assignment.
    pub(super) fn of(assignment: &RoleAssignment) -> Self {
        let until = assignment.valid_until.map(|until| until.to_rfc3339());
        Self {
            resource_type: assignment.resource_type.to_string(),
            resource_id: assignment.resource_id.to_string(),
            roles: assignment.roles.join(", "),
            title: assignment.title.clone().unwrap_or_default(),
            description: assignment.description.clone().unwrap_or_default(),
            valid_until: until.unwrap_or_default(),
            version: assignment.version.to_string(),
        }
    }

    pub(super) fn resource(&self) -> Result<ResourceName, Wrong> {
        Ok(ResourceName {
            kind: ResourceType::parse(self.resource_type.trim()).map_err(|_| "resource_type")?,
            id: ResourceId::parse(self.resource_id.trim()).map_err(|_| "resource_id")?,
        })
    }

    pub(super) fn terms(&self) -> Result<RoleAssignmentTerms, Wrong> {
        let names = self.roles.split([',', ' ', '\t', '\r', '\n']);
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        let until = given(self.valid_until.trim());
        Ok(RoleAssignmentTerms {
            roles: AssignedRoles::parse(&names).map_err(|_| "roles")?,
            title: Title::parse(&self.title).map_err(|_| "title")?,
            description: Description::parse(&one_line(&self.description))
                .map_err(|_| "description")?,
            valid_until: until
                .map(parse_instant)
                .transpose()
                .map_err(|_| "valid_until")?,
        })
    }

    pub(super) fn change(&self) -> Result<RoleAssignmentChange, Wrong> {
        let terms = self.terms()?;
        Ok(RoleAssignmentChange {
            roles: Some(terms.roles),
            title: Some(terms.title),
            description: Some(terms.description),
            valid_until: Some(terms.valid_until),
        })
    }
}

/// The problem that explains how to correct a field.
pub(in crate::admin::pages) fn wrong(frame: &Frame, field: Wrong) -> FieldProblem {
    let key = format!("admin_role_assignment.wrong.{field}");
    FieldProblem::new(field, frame.text(&key))
}

/// The problem to show at the form, or an error that can't be corrected there.
pub(super) fn explain(frame: &Frame, error: RoleAssignmentError) -> Result<FieldProblem, Problem> {
    match error {
        RoleAssignmentError::Past => Ok(wrong(frame, "valid_until")),
        RoleAssignmentError::Exists(_) => {
            let sentence = frame.text("admin_role_assignment.exists");
            Ok(FieldProblem::new("resource_id", sentence))
        }
        RoleAssignmentError::UserUnknown
        | RoleAssignmentError::Unknown
        | RoleAssignmentError::VersionMismatch(_)
        | RoleAssignmentError::NotPermitted
        | RoleAssignmentError::Acting(_)
        | RoleAssignmentError::Pending(_)
        | RoleAssignmentError::Database(_) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_can_be_invalid_has_an_error_text() {
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
            let key = format!("admin_role_assignment.wrong.{field}");
            assert!(frame.find_text(&key).is_some(), "{key}");
        }
    }

    #[test]
    fn roles_are_separated_by_commas_and_line_breaks() {
        let form = RoleAssignmentForm {
            roles: " B, A\r\nC ".into(),
            ..RoleAssignmentForm::default()
        };
        let roles = form.terms().expect("terms").roles;
        assert_eq!(roles.into_names(), ["A", "B", "C"]);
        assert_eq!(RoleAssignmentForm::default().terms(), Err("roles"));
    }
}
