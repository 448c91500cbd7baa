//! `/admin/users/{user}/roles`: which global roles a person holds.

use std::collections::{BTreeSet, HashMap};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::act::person_url;
use super::manager::Manager;
use super::role_boxes::{RoleBox, boxes, checked};
use crate::users::{Rights, UpdateError, User, UserChange, Users};
use crate::web::{
    Answer, FieldProblem, Frame, Problem, StepUpPage, only, page, page_with_status, redirect,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}/roles")
            .route(web::get().to(show_roles))
            .route(web::post().to(save_roles))
            .default_service(only("GET, POST")),
    );
}

#[derive(Template)]
#[template(path = "console_user_roles.html")]
struct ConsoleUserRolesPage {
    frame: Frame,
    problem: Option<FieldProblem>,
    name: String,
    person_url: String,
    version: i64,
    is_last_administrator: bool,
    boxes: Vec<RoleBox>,
}

impl ConsoleUserRolesPage {
    async fn new(
        frame: Frame,
        users: &Users,
        rights: &Rights,
        person: User,
        checked: Option<BTreeSet<String>>,
    ) -> Result<Self, Problem> {
        let checked = checked.unwrap_or_else(|| person.roles.iter().cloned().collect());
        Ok(Self {
            boxes: boxes(&frame, users, rights, &checked).await?,
            is_last_administrator: users.is_last_administrator(person.id).await?,
            person_url: person_url(&person),
            version: person.version,
            name: person.display_name,
            problem: None,
            frame,
        })
    }
}

async fn show_roles(manager: Manager, users: web::Data<Users>, name: web::Path<String>) -> Answer {
    let person = manager.find(&users, &name).await?;
    let frame = manager.visitor.frame;
    page(&ConsoleUserRolesPage::new(frame, &users, &manager.rights, person, None).await?)
}

async fn save_roles(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    name: web::Path<String>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    let version = sent.get("version").map(String::as_str).unwrap_or_default();
    let expected = version
        .parse::<i64>()
        .map_err(|_| Problem::invalid_field("version", "the version that is changed"))?;
    let wanted = checked(&sent);
    if !manager.is_fresh() {
        return step_up(manager.visitor.frame, &person);
    }
    let change = UserChange {
        roles: Some(wanted.iter().cloned().collect()),
        ..UserChange::default()
    };
    let (authority, acting) = (manager.authority(), manager.acting(&request));
    let changed = users.update(person.id, change, Some(expected), authority, acting);
    let (key, status) = match changed.await {
        Ok(changed) => {
            let to_go = match manager.delegate() {
                // Who holds none of their roles any more is none of theirs to look at.
                Some(own) if !manager.rights.may_manage(own, &changed) => "/admin".to_owned(),
                _ => person_url(&changed),
            };
            return Ok(redirect(&format!("{to_go}?notice=roles_saved")));
        }
        Err(UpdateError::LastAdministrator(_)) => ("last_administrator", StatusCode::CONFLICT),
        Err(UpdateError::UnknownRole(_)) => ("role_gone", StatusCode::CONFLICT),
        Err(UpdateError::VersionIs(_)) => ("changed_meanwhile", StatusCode::CONFLICT),
        Err(error) => return Err(error.into()),
    };
    // What was checked may be out of date: everything is shown as it stands now.
    let person = manager.find(&users, &name).await?;
    let frame = manager.visitor.frame;
    let sentence = frame.text(&format!("console_user_roles.{key}")).to_owned();
    let template = ConsoleUserRolesPage::new(frame, &users, &manager.rights, person, None).await?;
    page_with_status(
        status,
        &ConsoleUserRolesPage {
            problem: Some(FieldProblem::new("roles", &sentence)),
            ..template
        },
    )
}

fn step_up(frame: Frame, person: &User) -> Answer {
    let name = person.display_name.as_str();
    page(&StepUpPage {
        what: frame.text_with("step_up.act.change_roles", &[("name", name)]),
        action: frame.path.clone(),
        cancel_url: person_url(person),
        frame,
    })
}
