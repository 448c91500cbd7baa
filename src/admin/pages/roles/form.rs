//! The form of a role, for `parts/role_form.html`.

use std::collections::{BTreeSet, HashMap};

use crate::account_state::ADMINISTRATOR;
use crate::admin::pages::role_boxes::{RoleBox, boxes, checked};
use crate::assignments::ResourceType;
use crate::users::{
    ManagementRights, Role, RoleChange, RoleDescription, RoleError, RoleName, Users,
};
use crate::web::{FieldProblem, Frame, Problem};

/// A role as typed.
#[derive(Debug, Default)]
pub(super) struct RoleForm {
    pub(super) name: String,
    pub(super) description: String,
    manages_roles: BTreeSet<String>,
    /// Resource types, separated by spaces.
    pub(super) manages_assignments_on: String,
}

impl RoleForm {
    /// The form for an existing role.
    pub(super) fn of(role: &Role) -> Self {
        Self {
            name: role.name.clone(),
            description: role.description.clone(),
            manages_roles: role.manages_roles.iter().cloned().collect(),
            manages_assignments_on: role.manages_assignments_on.join(" "),
        }
    }

    /// The form as submitted.
    pub(super) fn sent(sent: &HashMap<String, String>) -> Self {
        let text = |name: &str| sent.get(name).map(|text| text.trim().to_owned());
        Self {
            name: text("name").unwrap_or_default(),
            description: text("description").unwrap_or_default(),
            manages_roles: checked(sent),
            manages_assignments_on: text("manages_assignments_on").unwrap_or_default(),
        }
    }

    /// The role to create.
    pub(super) fn to_new(&self, frame: &Frame) -> Result<(RoleName, RoleChange), FieldProblem> {
        let name = RoleName::parse(&self.name)
            .map_err(|_| FieldProblem::new("name", frame.text("field.role_name")))?;
        Ok((name, self.to_change(frame)?))
    }

    /// The change to an existing role.
    pub(super) fn to_change(&self, frame: &Frame) -> Result<RoleChange, FieldProblem> {
        Ok(RoleChange {
            description: Some(self.description(frame)?),
            manages_roles: Some(self.manages_roles.iter().cloned().collect()),
            manages_assignments_on: Some(self.types(frame)?),
        })
    }

    fn description(&self, frame: &Frame) -> Result<RoleDescription, FieldProblem> {
        RoleDescription::parse(&self.description)
            .map_err(|_| FieldProblem::new("description", frame.text("field.role_description")))
    }

    fn types(&self, frame: &Frame) -> Result<Vec<String>, FieldProblem> {
        let types = self.manages_assignments_on.split_whitespace();
        let parse = |text: &str| ResourceType::parse(text).map(|parsed| parsed.to_string());
        types.map(parse).collect::<Result<_, _>>().map_err(|_| {
            FieldProblem::new("manages_assignments_on", frame.text("field.resource_type"))
        })
    }

    /// A checkbox for each role that the holders of this role could manage. `own` is the existing role that the form changes.
    pub(super) async fn boxes(
        &self,
        frame: &Frame,
        users: &Users,
        own: Option<&Role>,
    ) -> Result<Vec<RoleBox>, Problem> {
        if own.is_some_and(Role::is_built_in) {
            return Ok(Vec::new());
        }
        let everything = ManagementRights {
            is_administrator: true,
            ..ManagementRights::default()
        };
        let mut boxes = boxes(frame, users, &everything, &self.manages_roles).await?;
        // Only administrators manage administrators.
        boxes.retain(|shown| shown.name != ADMINISTRATOR || shown.is_checked);
        Ok(boxes)
    }
}

/// The problem to show at the form, or an error that can't be corrected there.
pub(super) fn explain(frame: &Frame, error: RoleError) -> Result<FieldProblem, Problem> {
    let (field, key) = match error {
        RoleError::Exists => ("name", "field.role_taken"),
        RoleError::UnknownRole(_) => ("manages_roles", "admin_roles.role_gone"),
        RoleError::ManagesAdministrators => ("manages_roles", "admin_roles.manages_admin"),
        RoleError::TooMany(field) => (field, "admin_roles.too_many"),
        RoleError::BuiltIn => ("manages_roles", "admin_role.built_in"),
        RoleError::VersionMismatch(_) => ("", "admin_role.changed_meanwhile"),
        RoleError::Unknown
        | RoleError::NotPermitted
        | RoleError::Acting(_)
        | RoleError::InUse(_)
        | RoleError::Database(_) => {
            return Err(error.into());
        }
    };
    Ok(FieldProblem::new(field, frame.text(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame::for_tests()
    }

    #[test]
    fn every_refusal_that_the_form_explains_has_a_text() {
        for error in [
            RoleError::Exists,
            RoleError::UnknownRole("clerk".into()),
            RoleError::ManagesAdministrators,
            RoleError::TooMany("manages_assignments_on"),
            RoleError::BuiltIn,
            RoleError::VersionMismatch(2),
        ] {
            let kind = error.to_string();
            let problem = explain(&frame(), error).expect("explained");
            assert!(problem.sentence.contains(' '), "{kind}");
        }
        assert!(explain(&frame(), RoleError::Unknown).is_err());
    }

    #[test]
    fn input_is_parsed_field_by_field() {
        let sent = |fields: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            RoleForm::sent(&fields.iter().map(own).collect())
        };
        let good = sent(&[
            ("name", " clerk "),
            ("role:cook", "yes"),
            ("manages_assignments_on", " order\tShop::Item "),
        ]);
        let (name, fields) = good.to_new(&frame()).expect("a role");
        assert_eq!(name.as_str(), "clerk");
        assert_eq!(fields.manages_roles, Some(vec!["cook".to_owned()]));
        let types = Some(vec!["order".to_owned(), "Shop::Item".to_owned()]);
        assert_eq!(fields.manages_assignments_on, types);
        for (field, value) in [
            ("name", "a b"),
            ("description", &*"x".repeat(201)),
            ("manages_assignments_on", "order User"),
        ] {
            let mut fields = vec![("name", "clerk")];
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value));
            let problem = sent(&fields).to_new(&frame()).expect_err("refused");
            assert_eq!(problem.field, field);
        }
    }
}
