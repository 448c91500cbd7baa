//! `/admin/roles`: the registry of roles, made, changed and deleted by hand. For administrators alone.

mod form;
mod one;

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use self::form::{RoleForm, explain};
use super::address;
use super::administrator::Administrator;
use super::role_boxes::RoleBox;
use crate::users::{Role, RoleName, Users};
use crate::web::{
    Answer, FieldProblem, Frame, Page, Problem, StepUpPage, only, page, page_with_status, redirect,
};

/// Roles on one page.
const PAGE: usize = 50;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/admin/roles")
                .route(web::get().to(show_roles))
                .route(web::post().to(make_role))
                .default_service(only("GET, POST")),
        )
        .configure(one::routes);
}

#[derive(Default, Deserialize)]
struct Listing {
    /// The cursor.
    #[serde(default)]
    after: String,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "console_roles.html")]
struct ConsoleRolesPage {
    frame: Frame,
    notice: Option<String>,
    roles: Vec<Role>,
    first_url: Option<String>,
    next_url: Option<String>,
    form: RoleForm,
    boxes: Vec<RoleBox>,
    problem: Option<FieldProblem>,
}

/// The page of a role.
fn role_url(name: &str) -> String {
    format!("/admin/roles/{name}")
}

async fn show_roles(
    administrator: Administrator,
    users: web::Data<Users>,
    listing: web::Query<Listing>,
) -> Answer {
    let frame = administrator.0.frame;
    page(&list(frame, &users, listing.into_inner(), RoleForm::default()).await?)
}

async fn list(
    frame: Frame,
    users: &Users,
    listing: Listing,
    form: RoleForm,
) -> Result<ConsoleRolesPage, Problem> {
    let after = match listing.after.as_str() {
        "" => None,
        after if RoleName::parse(after).is_ok() => Some(after.to_owned()),
        _ => {
            return Err(Problem::invalid_parameter(
                "after",
                "not a cursor of this list",
            ));
        }
    };
    let is_first = after.is_none();
    let found = users.list_roles(after, Page::<Role>::fetch(PAGE)).await?;
    let found = Page::cut(found, PAGE, |role| role.name.clone());
    Ok(ConsoleRolesPage {
        notice: frame.notice("console_roles.notice", listing.notice.as_deref()),
        first_url: (!is_first).then(|| "/admin/roles".to_owned()),
        next_url: found
            .next
            .map(|next| address("/admin/roles", &[("after", &next)])),
        boxes: form.boxes(&frame, users, None).await?,
        roles: found.items,
        form,
        problem: None,
        frame,
    })
}

async fn make_role(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let is_fresh = administrator.is_fresh();
    let acting = administrator.acting(&request);
    let frame = administrator.0.frame;
    let form = RoleForm::sent(&sent);
    let wanted = match form.to_new(&frame) {
        Ok(wanted) => wanted,
        Err(problem) => return refused(frame, &users, form, problem).await,
    };
    if !is_fresh {
        return page(&StepUpPage {
            what: frame.text_with("step_up.act.make_role", &[("name", &form.name)]),
            action: frame.path.clone(),
            cancel_url: "/admin/roles".into(),
            frame,
        });
    }
    match users.create_role(wanted, acting).await {
        Ok(role) => Ok(redirect(&format!("{}?notice=made", role_url(&role.name)))),
        Err(error) => {
            let problem = explain(&frame, error)?;
            refused(frame, &users, form, problem).await
        }
    }
}

async fn refused(frame: Frame, users: &Users, form: RoleForm, problem: FieldProblem) -> Answer {
    let template = ConsoleRolesPage {
        problem: Some(problem),
        ..list(frame, users, Listing::default(), form).await?
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}
