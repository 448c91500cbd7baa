//! `/admin/role-assignments/{role_assignment}`: the form that changes a role assignment.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::form::{RoleAssignmentForm, explain, wrong};
use crate::admin::pages::holder::{Holder, assignments_url};
use crate::admin::pages::visitor::RoleAssignmentManager;
use crate::assignments::{ResourceName, RoleAssignment, RoleAssignmentError};
use crate::base::clock::Timestamp;
use crate::base::ids::RoleAssignmentId;
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, page, page_with_status, redirect,
    rendered_version,
};

#[derive(Template)]
#[template(path = "admin_role_assignment.html")]
struct AdminRoleAssignmentPage {
    frame: Frame,
    id: RoleAssignmentId,
    holder: Holder,
    resource: ResourceName,
    since: Timestamp,
    form: RoleAssignmentForm,
    problem: Option<FieldProblem>,
}

impl AdminRoleAssignmentPage {
    fn new(frame: Frame, assignment: &RoleAssignment, holder: Holder) -> Self {
        Self {
            id: assignment.id,
            holder,
            resource: assignment.resource(),
            since: assignment.as_of,
            form: RoleAssignmentForm::of(assignment),
            problem: None,
            frame,
        }
    }
}

/// The role assignment that a path names, and its user. An assignment on a resource type that the visitor does not manage is
/// reported as not found, as if it did not exist.
pub(super) async fn find(
    manager: &RoleAssignmentManager,
    id: &str,
) -> Result<(RoleAssignment, Holder), Problem> {
    let id = RoleAssignmentId::parse(id).ok_or_else(Problem::not_found)?;
    let assignment = manager.find_assignment(id, &manager.type_access()).await?;
    let holder = manager.find_holder(&assignment.user_id.to_string()).await?;
    Ok((assignment, holder))
}

pub(in crate::admin::pages) async fn show(
    manager: RoleAssignmentManager,
    id: web::Path<String>,
) -> Answer {
    let (assignment, holder) = find(&manager, &id).await?;
    page(&AdminRoleAssignmentPage::new(
        manager.frame(),
        &assignment,
        holder,
    ))
}

pub(in crate::admin::pages) async fn save(
    manager: RoleAssignmentManager,
    id: web::Path<String>,
    form: web::Form<RoleAssignmentForm>,
) -> Answer {
    let (assignment, holder) = find(&manager, &id).await?;
    let form = form.into_inner();
    let expected = Some(rendered_version(&form.version)?);
    let frame = manager.frame();
    let problem = match form.change() {
        Err(field) => wrong(&frame, field),
        Ok(change) => {
            let Ok(permit) = manager.permit() else {
                return step_up(frame, &assignment, &holder);
            };
            let assignments = &manager.assignments;
            let updated = assignments.update(assignment.id, change, expected, permit.acting);
            match updated.await {
                Ok(_) => {
                    let url = format!("{}?notice=updated", assignments_url(holder.id));
                    return Ok(redirect(&url));
                }
                Err(RoleAssignmentError::VersionMismatch(_)) => {
                    // The typed values would undo the other user's change, so the form shows the current ones.
                    let (now, holder) = find(&manager, &id).await?;
                    let sentence = frame
                        .text("admin_role_assignment.changed_meanwhile")
                        .to_owned();
                    let template = AdminRoleAssignmentPage {
                        problem: Some(FieldProblem::new("", &sentence)),
                        ..AdminRoleAssignmentPage::new(frame, &now, holder)
                    };
                    return page_with_status(StatusCode::CONFLICT, &template);
                }
                Err(error) => explain(&frame, error)?,
            }
        }
    };
    let template = AdminRoleAssignmentPage {
        form,
        problem: Some(problem),
        ..AdminRoleAssignmentPage::new(frame, &assignment, holder)
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

fn step_up(frame: Frame, assignment: &RoleAssignment, holder: &Holder) -> Answer {
    let resource = assignment.resource().to_string();
    let values = [
        ("name", holder.name.as_str()),
        ("resource", resource.as_str()),
    ];
    let url = format!("/admin/role-assignments/{}", assignment.id);
    StepUpPage::show(frame, "update_role_assignment", &values, url)
}
