//! `/admin/users/{user}/roles`: shows and changes the global roles of a user.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::confirm::user_url;
use super::role_boxes::{RoleBox, boxes, checked};
use super::visitor::Manager;
use crate::users::{UpdateError, User, UserChange};
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, page, page_with_status, redirect,
    rendered_version,
};

#[derive(Template)]
#[template(path = "admin_user_roles.html")]
struct AdminUserRolesPage {
    frame: Frame,
    problem: Option<FieldProblem>,
    user: User,
    is_last_administrator: bool,
    boxes: Vec<RoleBox>,
}

impl AdminUserRolesPage {
    async fn new(manager: &Manager, user: User) -> Result<Self, Problem> {
        let (frame, users) = (manager.frame(), &manager.users);
        let checked = user.roles.iter().cloned().collect();
        Ok(Self {
            boxes: boxes(&frame, users, &manager.rights, &checked).await?,
            is_last_administrator: users.is_last_administrator(user.id).await?,
            user,
            problem: None,
            frame,
        })
    }
}

pub(super) async fn show_roles(manager: Manager, name: web::Path<String>) -> Answer {
    let user = manager.find(&name).await?;
    page(&AdminUserRolesPage::new(&manager, user).await?)
}

pub(super) async fn save_roles(
    manager: Manager,
    name: web::Path<String>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let user = manager.find(&name).await?;
    let version = sent.get("version").map(String::as_str);
    let expected = Some(rendered_version(version.unwrap_or_default())?);
    let frame = manager.frame();
    let Ok(permit) = manager.permit() else {
        let values = [("name", user.display_name.as_str())];
        return StepUpPage::show(frame, "change_roles", &values, user_url(&user));
    };
    let change = UserChange {
        roles: Some(checked(&sent).into_iter().collect()),
        ..UserChange::default()
    };
    let changed = manager.users.update(user.id, change, expected, permit);
    let key = match changed.await {
        Ok(changed) => {
            let to_go = match manager.actor.delegate() {
                // A visitor who no longer manages the user may not see the user's page any more.
                Some(own) if !manager.rights.may_manage(own, &changed) => "/admin".to_owned(),
                _ => user_url(&changed),
            };
            return Ok(redirect(&format!("{to_go}?notice=roles_saved")));
        }
        Err(UpdateError::LastAdministrator(_)) => "last_administrator",
        Err(UpdateError::UnknownRole(_)) => "role_gone",
        Err(UpdateError::VersionMismatch(_)) => "changed_meanwhile",
        Err(error) => return Err(error.into()),
    };
    // The checked roles may be outdated, so the form shows the current state.
    let user = manager.find(&name).await?;
    let sentence = frame.text(&format!("admin_user_roles.{key}")).to_owned();
    let template = AdminUserRolesPage {
        problem: Some(FieldProblem::new("roles", &sentence)),
        ..AdminUserRolesPage::new(&manager, user).await?
    };
    page_with_status(StatusCode::CONFLICT, &template)
}
