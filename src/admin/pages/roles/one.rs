//! `/admin/roles/{role}`: one role, the form that changes it, and the way out of the registry.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::form::{RoleForm, explain};
use super::role_url;
use crate::admin::pages::act::ReasonForm;
use crate::admin::pages::administrator::Administrator;
use crate::admin::pages::role_boxes::RoleBox;
use crate::users::{Role, RoleError, RoleUse, Users};
use crate::web::{
    Answer, ConfirmPage, FieldProblem, Frame, Moment, Problem, StepUpPage, only, page,
    page_with_status, redirect,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/admin/roles/{role}")
                .route(web::get().to(show_role))
                .route(web::post().to(save_role))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/admin/roles/{role}/delete")
                .route(web::get().to(ask_to_delete))
                .route(web::post().to(delete_role))
                .default_service(only("GET, POST")),
        );
}

#[derive(Deserialize)]
struct Query {
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "console_role.html")]
struct ConsoleRolePage {
    frame: Frame,
    notice: Option<String>,
    problem: Option<FieldProblem>,
    role: Role,
    changed: Moment,
    needed: Vec<String>,
    form: RoleForm,
    boxes: Vec<RoleBox>,
}

impl ConsoleRolePage {
    async fn new(frame: Frame, users: &Users, role: Role, form: RoleForm) -> Result<Self, Problem> {
        Ok(Self {
            notice: None,
            problem: None,
            changed: role.as_of.into(),
            needed: uses(&frame, &users.find_role_use(&role.name).await?),
            boxes: form.boxes(&frame, users, Some(&role)).await?,
            form,
            role,
            frame,
        })
    }
}

/// Who and what needs a role, a sentence each.
fn uses(frame: &Frame, needed: &RoleUse) -> Vec<String> {
    let mut uses = Vec::new();
    let holders = usize::try_from(needed.holders).unwrap_or(usize::MAX);
    if holders > 0 {
        uses.push(frame.text_counted("console_role.holders", holders));
    }
    if needed.invitations > 0 {
        uses.push(frame.text_counted("console_role.invitations", needed.invitations));
    }
    if !needed.managed_by.is_empty() {
        let roles = needed.managed_by.join(", ");
        uses.push(frame.text_with("console_role.managed_by", &[("roles", &roles)]));
    }
    uses
}

async fn show_role(
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
    query: web::Query<Query>,
) -> Answer {
    let role = users.find_role(&name).await?;
    let form = RoleForm::of(&role);
    let frame = administrator.0.frame;
    let notice = frame.notice("console_role.notice", query.notice.as_deref());
    page(&ConsoleRolePage {
        notice,
        ..ConsoleRolePage::new(frame, &users, role, form).await?
    })
}

async fn save_role(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let role = users.find_role(&name).await?;
    let version = sent.get("version").map(String::as_str).unwrap_or_default();
    let expected = version
        .parse::<i64>()
        .map_err(|_| Problem::invalid_field("version", "the version that is changed"))?;
    let is_fresh = administrator.is_fresh();
    let acting = administrator.acting(&request);
    let frame = administrator.0.frame;
    let form = RoleForm::sent(&sent);
    let change = match form.to_change(&frame) {
        Ok(change) => change,
        Err(problem) => return refused(frame, &users, role, form, problem).await,
    };
    if !is_fresh {
        return step_up(frame, &role);
    }
    let changed = users.update_role(&role.name, change, Some(expected), acting);
    match changed.await {
        Ok(role) => Ok(redirect(&format!("{}?notice=saved", role_url(&role.name)))),
        Err(RoleError::VersionIs(version)) => {
            // What was typed would undo what somebody else just did: it is shown as it stands now.
            let now = users.find_role(&name).await?;
            let form = RoleForm::of(&now);
            let problem = explain(&frame, RoleError::VersionIs(version))?;
            let template = refusal(frame, &users, now, form, problem).await?;
            page_with_status(StatusCode::CONFLICT, &template)
        }
        Err(error) => {
            let problem = explain(&frame, error)?;
            refused(frame, &users, role, form, problem).await
        }
    }
}

async fn refused(
    frame: Frame,
    users: &Users,
    role: Role,
    form: RoleForm,
    problem: FieldProblem,
) -> Answer {
    let template = refusal(frame, users, role, form, problem).await?;
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

async fn refusal(
    frame: Frame,
    users: &Users,
    role: Role,
    form: RoleForm,
    problem: FieldProblem,
) -> Result<ConsoleRolePage, Problem> {
    Ok(ConsoleRolePage {
        problem: Some(problem),
        ..ConsoleRolePage::new(frame, users, role, form).await?
    })
}

fn step_up(frame: Frame, role: &Role) -> Answer {
    page(&StepUpPage {
        what: frame.text_with("step_up.act.update_role", &[("name", &role.name)]),
        action: frame.path.clone(),
        cancel_url: role_url(&role.name),
        frame,
    })
}

async fn ask_to_delete(
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    let role = users.find_role(&name).await?;
    require_deletable(&users, &role).await?;
    let frame = administrator.0.frame;
    let say = |part: &str| {
        let key = format!("confirm.delete_role.{part}");
        frame.text_with(&key, &[("name", &role.name)])
    };
    page(&ConfirmPage {
        title: say("title"),
        what: say("what"),
        effects: vec![say("effect")],
        undo: Some(say("undo")),
        action: frame.path.clone(),
        hidden: Vec::new(),
        version: Some(role.version),
        asks_reason: true,
        option: None,
        confirm_label: say("button"),
        is_destructive: true,
        cancel_url: role_url(&role.name),
        frame,
    })
}

/// Says early what the verb would say.
async fn require_deletable(users: &Users, role: &Role) -> Result<(), Problem> {
    if role.is_built_in() {
        return Err(RoleError::BuiltIn.into());
    }
    match users.find_role_use(&role.name).await? {
        needed if needed == RoleUse::default() => Ok(()),
        needed => Err(RoleError::InUse(needed).into()),
    }
}

async fn delete_role(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let role = users.find_role(&name).await?;
    let reason = form.parse()?;
    form.require_version(role.version)?;
    if !administrator.is_fresh() {
        let frame = administrator.0.frame;
        return page(&StepUpPage {
            what: frame.text_with("step_up.act.delete_role", &[("name", &role.name)]),
            action: frame.path.clone(),
            cancel_url: role_url(&role.name),
            frame,
        });
    }
    let acting = administrator.acting(&request);
    users
        .delete_role(&role.name, Some(role.version), reason, acting)
        .await?;
    Ok(redirect("/admin/roles?notice=deleted"))
}
