//! `/admin/grants/{grant}`: the form that changes a grant.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::form::{GrantForm, explain, wrong};
use super::thing_url;
use crate::access::{Access, Grant, GrantError};
use crate::admin::pages::grant_manager::{GrantManager, Holder, grants_url};
use crate::base::ids::{GrantId, UserId};
use crate::users::Users;
use crate::web::{
    Answer, FieldProblem, Frame, Moment, Problem, StepUpPage, only, page, page_with_status,
    redirect,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/grants/{grant}")
            .route(web::get().to(show))
            .route(web::post().to(save))
            .default_service(only("GET, POST")),
    );
}

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

/// The grant that a path names, and whose it is. One on a thing of a type that is not theirs is not there.
pub(super) async fn find(
    manager: &GrantManager,
    access: &Access,
    users: &Users,
    id: &str,
) -> Result<(Grant, Holder), Problem> {
    let id = GrantId::parse(id).ok_or_else(Problem::not_found)?;
    let grant = access.read(id).await?;
    if !manager.reach.covers(&grant.resource_type) {
        return Err(Problem::not_found());
    }
    let holder = manager
        .find_holder(users, &grant.user_id.to_string())
        .await?;
    Ok((grant, holder))
}

async fn show(
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
) -> Answer {
    let (grant, holder) = find(&manager, &access, &users, &id).await?;
    page(&ConsoleGrantPage::new(manager.frame(), &grant, holder))
}

async fn save(
    request: HttpRequest,
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
    form: web::Form<GrantForm>,
) -> Answer {
    let (grant, holder) = find(&manager, &access, &users, &id).await?;
    let form = form.into_inner();
    let expected = form.version.parse::<i64>();
    let expected =
        expected.map_err(|_| Problem::invalid_field("version", "the version that is changed"))?;
    let frame = manager.frame();
    let problem = match form.change() {
        Err(field) => wrong(&frame, field),
        Ok(_) if !manager.is_fresh() => return step_up(frame, &grant, &holder),
        Ok(change) => {
            let acting = manager.acting(&request);
            let changed = access.change(grant.id, change, Some(expected), acting);
            match changed.await {
                Ok(_) => {
                    let url = format!("{}?notice=changed", grants_url(holder.id));
                    return Ok(redirect(&url));
                }
                Err(GrantError::VersionIs(_)) => {
                    // What was typed would undo what somebody else just did: it is shown as it stands now.
                    let (now, holder) = find(&manager, &access, &users, &id).await?;
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
    let values = [("name", holder.name.as_str()), ("thing", thing.as_str())];
    page(&StepUpPage {
        what: frame.text_with("step_up.act.change_grant", &values),
        action: frame.path.clone(),
        cancel_url: format!("/admin/grants/{}", grant.id),
        frame,
    })
}
