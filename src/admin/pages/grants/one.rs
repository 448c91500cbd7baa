//! `/admin/grants/{grant}`: the form that changes a grant.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::form::{GrantForm, explain, wrong};
use super::thing_url;
use crate::access::{Access, Grant, GrantError};
use crate::admin::pages::administrator::Administrator;
use crate::base::ids::{GrantId, UserId};
use crate::users::{User, Users};
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
    fn new(frame: Frame, grant: &Grant, person: User) -> Self {
        let thing = grant.resource();
        Self {
            id: grant.id,
            user_id: person.id,
            name: person.display_name,
            thing_url: thing_url(&thing),
            thing: thing.to_string(),
            since: grant.as_of.into(),
            form: GrantForm::of(grant),
            problem: None,
            frame,
        }
    }
}

/// The grant that a path names, and whose it is.
pub(super) async fn find(
    access: &Access,
    users: &Users,
    id: &str,
) -> Result<(Grant, User), Problem> {
    let id = GrantId::parse(id).ok_or_else(Problem::not_found)?;
    let grant = access.read(id).await?;
    let person = users.find(&grant.user_id.to_string()).await?;
    Ok((grant, person))
}

async fn show(
    administrator: Administrator,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
) -> Answer {
    let (grant, person) = find(&access, &users, &id).await?;
    page(&ConsoleGrantPage::new(
        administrator.0.frame,
        &grant,
        person,
    ))
}

async fn save(
    request: HttpRequest,
    administrator: Administrator,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
    form: web::Form<GrantForm>,
) -> Answer {
    let (grant, person) = find(&access, &users, &id).await?;
    let form = form.into_inner();
    let expected = form.version.parse::<i64>();
    let expected =
        expected.map_err(|_| Problem::invalid_field("version", "the version that is changed"))?;
    let frame = administrator.0.frame.clone();
    let problem = match form.change() {
        Err(field) => wrong(&frame, field),
        Ok(_) if !administrator.is_fresh() => return step_up(frame, &grant, &person, form),
        Ok(change) => {
            let author = administrator.0.author(&request);
            let changed = access.change(grant.id, change, Some(expected), author);
            match changed.await {
                Ok(_) => {
                    let url = format!("/admin/users/{}/grants?notice=changed", person.id);
                    return Ok(redirect(&url));
                }
                Err(GrantError::VersionIs(_)) => {
                    // What was typed would undo what somebody else just did: it is shown as it stands now.
                    let (now, person) = find(&access, &users, &id).await?;
                    let sentence = frame.text("console_grant.changed_meanwhile").to_owned();
                    let template = ConsoleGrantPage {
                        problem: Some(FieldProblem::new("", &sentence)),
                        ..ConsoleGrantPage::new(frame, &now, person)
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
        ..ConsoleGrantPage::new(frame, &grant, person)
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

fn step_up(frame: Frame, grant: &Grant, person: &User, form: GrantForm) -> Answer {
    let thing = grant.resource().to_string();
    let values = [
        ("name", person.display_name.as_str()),
        ("thing", thing.as_str()),
    ];
    page(&StepUpPage {
        what: frame.text_with("step_up.act.change_grant", &values),
        action: frame.path.clone(),
        hidden: form.into_hidden(),
        cancel_url: format!("/admin/grants/{}", grant.id),
        frame,
    })
}
