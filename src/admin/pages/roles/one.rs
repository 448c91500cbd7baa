//! `/admin/roles/{role}`: shows, changes and deletes one role.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::form::{RoleForm, explain};
use super::role_url;
use crate::admin::pages::confirm::{Confirmed, ConfirmedAction, Sent, Target};
use crate::admin::pages::role_boxes::RoleBox;
use crate::admin::pages::visitor::{Administration, Administrator};
use crate::users::{Role, RoleError, RoleUse, Users};
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, page, page_with_status, redirect,
    rendered_version,
};

#[derive(Template)]
#[template(path = "admin_role.html")]
struct AdminRolePage {
    frame: Frame,
    problem: Option<FieldProblem>,
    role: Role,
    needed: Vec<String>,
    form: RoleForm,
    boxes: Vec<RoleBox>,
}

impl AdminRolePage {
    async fn new(frame: Frame, users: &Users, role: Role, form: RoleForm) -> Result<Self, Problem> {
        Ok(Self {
            problem: None,
            needed: uses(&frame, &users.find_role_use(&role.name).await?),
            boxes: form.boxes(&frame, users, Some(&role)).await?,
            form,
            role,
            frame,
        })
    }
}

/// What uses a role, one sentence each.
fn uses(frame: &Frame, needed: &RoleUse) -> Vec<String> {
    let mut uses = Vec::new();
    if needed.holders > 0 {
        uses.push(frame.text_counted("admin_role.holders", needed.holders));
    }
    if needed.invitations > 0 {
        uses.push(frame.text_counted("admin_role.invitations", needed.invitations));
    }
    if !needed.managed_by.is_empty() {
        let roles = needed.managed_by.join(", ");
        uses.push(frame.text_with("admin_role.managed_by", &[("roles", &roles)]));
    }
    uses
}

pub(in crate::admin::pages) async fn show_role(
    administrator: Administrator,
    name: web::Path<String>,
) -> Answer {
    let users = &administrator.users;
    let role = users.find_role(&name).await?;
    let form = RoleForm::of(&role);
    page(&AdminRolePage::new(administrator.frame(), users, role, form).await?)
}

pub(in crate::admin::pages) async fn save_role(
    administrator: Administrator,
    name: web::Path<String>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let users = &administrator.users;
    let role = users.find_role(&name).await?;
    let version = sent.get("version").map(String::as_str);
    let expected = Some(rendered_version(version.unwrap_or_default())?);
    let frame = administrator.frame();
    let form = RoleForm::sent(&sent);
    let problem = match form.to_change(&frame) {
        Err(problem) => problem,
        Ok(change) => {
            let Ok(permit) = administrator.permit() else {
                let values = [("name", role.name.as_str())];
                return StepUpPage::show(frame, "update_role", &values, role_url(&role.name));
            };
            let changed = users.update_role(&role.name, change, expected, permit.acting);
            match changed.await {
                Ok(role) => {
                    return Ok(redirect(&format!("{}?notice=saved", role_url(&role.name))));
                }
                Err(RoleError::VersionMismatch(version)) => {
                    // The typed values would undo the other user's change, so the form shows the current ones.
                    let now = users.find_role(&name).await?;
                    let form = RoleForm::of(&now);
                    let problem = explain(&frame, RoleError::VersionMismatch(version))?;
                    let template = AdminRolePage {
                        problem: Some(problem),
                        ..AdminRolePage::new(frame, users, now, form).await?
                    };
                    return page_with_status(StatusCode::CONFLICT, &template);
                }
                Err(error) => explain(&frame, error)?,
            }
        }
    };
    let template = AdminRolePage {
        problem: Some(problem),
        ..AdminRolePage::new(frame, users, role, form).await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

/// Deletes a role that is not in use.
pub(in crate::admin::pages) struct Delete(Role);

impl ConfirmedAction for Delete {
    type Needs = Administration;

    async fn find(visitor: &Administrator, sent: &Sent) -> Result<Self, Problem> {
        Ok(Self(visitor.users.find_role(&sent.path.role).await?))
    }

    fn target(&self) -> Target {
        Target {
            key: "delete_role",
            values: vec![("name", self.0.name.clone())],
            version: Some(self.0.version),
            url: role_url(&self.0.name),
        }
    }

    async fn effects(&self, visitor: &Administrator) -> Result<Vec<String>, Problem> {
        if self.0.is_built_in() {
            return Err(RoleError::BuiltIn.into());
        }
        let needed = visitor.users.find_role_use(&self.0.name).await?;
        if needed != RoleUse::default() {
            return Err(RoleError::InUse(needed).into());
        }
        let effect = "confirm.delete_role.effect";
        Ok(vec![self.target().text(&visitor.frame(), effect)])
    }

    async fn run(self, visitor: &Administrator, confirmed: Confirmed) -> Answer {
        let (name, expected) = (self.0.name, Some(self.0.version));
        let (reason, acting) = (confirmed.reason, confirmed.permit.acting);
        visitor
            .users
            .delete_role(&name, expected, reason, acting)
            .await?;
        Ok(redirect("/admin/roles?notice=deleted"))
    }
}
