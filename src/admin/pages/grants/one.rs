//! `/admin/grants/{grant}`: the form that changes a role assignment.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::form::{GrantForm, explain, wrong};
use super::thing_url;
use crate::access::{Grant, GrantError};
use crate::admin::pages::holder::{Holder, grants_url};
use crate::admin::pages::visitor::GrantManager;
use crate::base::ids::{GrantId, UserId};
use crate::web::{
    Answer, FieldProblem, Frame, Moment, Problem, StepUpPage, page, page_with_status, redirect,
    rendered_version,
};

#[derive(Template)]
#[template(path = "console_grant.html")]
struct ConsoleGrantPage {
    frame: Frame,
    id: GrantId,
    user_id: UserId,
    name: String,
    thing: String,
    thing_url: String,
    since: Moment,
    form: GrantForm,
    problem: Option<FieldProblem>,
}

impl ConsoleGrantPage {
    fn new(frame: Frame, grant: &Grant, holder: Holder) -> Self {
        let thing = grant.resource();
        Self {
            id: grant.id,
            user_id: holder.id,
            name: holder.name,
            thing_url: thing_url(&thing),
            thing: thing.to_string(),
            since: grant.as_of.into(),
            form: GrantForm::of(grant),
            problem: None,
            frame,
        }
    }
}

/// The role assignment that a path names, and its user. An assignment on a resource type that the visitor does not manage is
/// reported as not found, as if it did not exist.
pub(super) async fn find(manager: &GrantManager, id: &str) -> Result<(Grant, Holder), Problem> {
    let id = GrantId::parse(id).ok_or_else(Problem::not_found)?;
    let grant = manager.find_assignment(id, &manager.scope()).await?;
    let holder = manager.find_holder(&grant.user_id.to_string()).await?;
    Ok((grant, holder))
}

pub(in crate::admin::pages) async fn show(manager: GrantManager, id: web::Path<String>) -> Answer {
    let (grant, holder) = find(&manager, &id).await?;
    page(&ConsoleGrantPage::new(manager.frame(), &grant, holder))
}

pub(in crate::admin::pages) async fn save(
    manager: GrantManager,
    id: web::Path<String>,
    form: web::Form<GrantForm>,
) -> Answer {
    let (grant, holder) = find(&manager, &id).await?;
    let form = form.into_inner();
    let expected = Some(rendered_version(&form.version)?);
    let frame = manager.frame();
    let problem = match form.change() {
        Err(field) => wrong(&frame, field),
        Ok(change) => {
            let Ok(permit) = manager.permit() else {
                return step_up(frame, &grant, &holder);
            };
            let changed = manager
                .access
                .change(grant.id, change, expected, permit.acting);
            match changed.await {
                Ok(_) => {
                    let url = format!("{}?notice=changed", grants_url(holder.id));
                    return Ok(redirect(&url));
                }
                Err(GrantError::VersionIs(_)) => {
                    // The typed values would undo the other user's change, so the form shows the current ones.
                    let (now, holder) = find(&manager, &id).await?;
                    let sentence = frame.text("console_grant.changed_meanwhile").to_owned();
                    let template = ConsoleGrantPage {
                        problem: Some(FieldProblem::new("", &sentence)),
                        ..ConsoleGrantPage::new(frame, &now, holder)
                    };
                    return page_with_status(StatusCode::CONFLICT, &template);
                }
                Err(error) => explain(&frame, error)?,
            }
        }
    };
    let template = ConsoleGrantPage {
        form,
        problem: Some(problem),
        ..ConsoleGrantPage::new(frame, &grant, holder)
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

fn step_up(frame: Frame, grant: &Grant, holder: &Holder) -> Answer {
    let thing = grant.resource().to_string();
    let values = [("name", holder.name.as_str()), ("resource", thing.as_str())];
    let url = format!("/admin/grants/{}", grant.id);
    StepUpPage::show(frame, "change_grant", &values, url)
}
