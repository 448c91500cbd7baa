//! `/admin/users/{user}/role-assignments`: a user's roles on resources, and the form that assigns more.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::form::{RoleAssignmentForm, explain, wrong};
use super::{PAGE, RoleAssignmentRow};
use crate::admin::http::role_assignments::parse_cursor;
use crate::admin::pages::holder::{Holder, assignments_url};
use crate::admin::pages::visitor::RoleAssignmentManager;
use crate::admin::pages::{Pager, given};
use crate::assignments::RoleAssignmentFilter;
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, cursor, page, page_with_status, redirect,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::admin::pages) struct Listing {
    after: String,
    /// Type of the resource for which the form is filled in.
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

#[derive(Template)]
#[template(path = "admin_user_role_assignments.html")]
struct AdminUserRoleAssignmentsPage {
    frame: Frame,
    holder: Holder,
    form: RoleAssignmentForm,
    problem: Option<FieldProblem>,
    assignments: Vec<RoleAssignmentRow>,
    /// Text key of the first column's heading.
    assignments_of: &'static str,
    pages: Pager,
}

impl AdminUserRoleAssignmentsPage {
    async fn of(
        manager: &RoleAssignmentManager,
        holder: Holder,
        listing: &Listing,
    ) -> Result<Self, Problem> {
        let filter = RoleAssignmentFilter {
            after: cursor(given(&listing.after), parse_cursor)?,
            visible_types: manager.type_access().types(),
            ..RoleAssignmentFilter::of_user(holder.id)
        };
        let found = manager.assignments.list(filter, PAGE).await?;
        let (path, next) = (assignments_url(holder.id), found.next.as_deref());
        Ok(Self {
            frame: manager.frame(),
            pages: Pager::new(&path, &[], &listing.after, next),
            holder,
            form: RoleAssignmentForm {
                resource_type: listing.kind.clone(),
                resource_id: listing.id.clone(),
                ..RoleAssignmentForm::default()
            },
            problem: None,
            assignments_of: "admin_role_assignments.resource",
            assignments: found
                .items
                .into_iter()
                .map(RoleAssignmentRow::of_user)
                .collect(),
        })
    }
}

pub(in crate::admin::pages) async fn show(
    manager: RoleAssignmentManager,
    name: web::Path<String>,
    listing: web::Query<Listing>,
) -> Answer {
    let holder = manager.find_holder(&name).await?;
    page(&AdminUserRoleAssignmentsPage::of(&manager, holder, &listing).await?)
}

pub(in crate::admin::pages) async fn assign(
    manager: RoleAssignmentManager,
    name: web::Path<String>,
    form: web::Form<RoleAssignmentForm>,
) -> Answer {
    let holder = manager.find_holder(&name).await?;
    let form = form.into_inner();
    let resource = form.resource();
    if let Ok(resource) = &resource {
        manager.type_access().require(&resource.kind)?;
    }
    let frame = manager.frame();
    let problem = match resource.and_then(|resource| Ok((resource, form.terms()?))) {
        Err(field) => wrong(&frame, field),
        Ok((resource, terms)) => {
            let Ok(permit) = manager.permit() else {
                let resource = resource.to_string();
                let values = [
                    ("name", holder.name.as_str()),
                    ("resource", resource.as_str()),
                ];
                return StepUpPage::show(frame, "create_role_assignment", &values, holder.url());
            };
            let assignments = &manager.assignments;
            match assignments
                .assign(holder.id, resource, terms, permit.acting)
                .await
            {
                Ok(_) => {
                    let url = format!("{}?notice=created", assignments_url(holder.id));
                    return Ok(redirect(&url));
                }
                Err(error) => explain(&frame, error)?,
            }
        }
    };
    let template = AdminUserRoleAssignmentsPage {
        form,
        problem: Some(problem),
        ..AdminUserRoleAssignmentsPage::of(&manager, holder, &Listing::default()).await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}
