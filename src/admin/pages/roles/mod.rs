//! `/admin/roles`: administrators create, change and delete the registered roles.

mod form;
pub(super) mod one;

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use self::form::{RoleForm, explain};
use super::role_boxes::RoleBox;
use super::visitor::Administrator;
use super::{Listing, Pager, given};
use crate::admin::http::roles::parse_cursor;
use crate::users::Role;
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, cursor, page, page_with_status, redirect,
};

/// Roles per page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "admin_roles.html")]
struct AdminRolesPage {
    frame: Frame,
    roles: Vec<Role>,
    pages: Pager,
    form: RoleForm,
    boxes: Vec<RoleBox>,
    problem: Option<FieldProblem>,
}

fn role_url(name: &str) -> String {
    format!("/admin/roles/{name}")
}

pub(super) async fn show_roles(
    administrator: Administrator,
    listing: web::Query<Listing>,
) -> Answer {
    page(&list(&administrator, &listing, RoleForm::default()).await?)
}

async fn list(
    administrator: &Administrator,
    listing: &Listing,
    form: RoleForm,
) -> Result<AdminRolesPage, Problem> {
    let frame = administrator.frame();
    let after = cursor(given(&listing.after), parse_cursor)?;
    let found = administrator.users.list_roles(after, PAGE).await?;
    Ok(AdminRolesPage {
        pages: Pager::new("/admin/roles", &[], &listing.after, found.next.as_deref()),
        boxes: form.boxes(&frame, &administrator.users, None).await?,
        roles: found.items,
        form,
        problem: None,
        frame,
    })
}

pub(super) async fn make_role(
    administrator: Administrator,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let frame = administrator.frame();
    let form = RoleForm::sent(&sent);
    let problem = match form.to_new(&frame) {
        Err(problem) => problem,
        Ok((name, fields)) => {
            let Ok(permit) = administrator.permit() else {
                let values = [("name", form.name.as_str())];
                return StepUpPage::show(frame, "make_role", &values, "/admin/roles".into());
            };
            let made = administrator.users.create_role(name, fields, permit.acting);
            match made.await {
                Ok(role) => {
                    return Ok(redirect(&format!("{}?notice=made", role_url(&role.name))));
                }
                Err(error) => explain(&frame, error)?,
            }
        }
    };
    let template = AdminRolesPage {
        problem: Some(problem),
        ..list(&administrator, &Listing::default(), form).await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}
