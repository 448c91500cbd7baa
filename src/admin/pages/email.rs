//! `/admin/users/{user}/email`: an administrator enters a user's email address, and says whether it is verified.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::act::person_url;
use super::administrator::Administrator;
use crate::users::{Authority, Email, User, UserChange, Users};
use crate::web::{
    Answer, FieldProblem, Frame, StepUpPage, only, page, page_with_status, redirect,
    require_rendered_version,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}/email")
            .route(web::get().to(show_email))
            .route(web::post().to(save_email))
            .default_service(only("GET, POST")),
    );
}

#[derive(Template)]
#[template(path = "console_user_email.html")]
struct ConsoleUserEmailPage {
    frame: Frame,
    problem: Option<FieldProblem>,
    name: String,
    person_url: String,
    version: i64,
    email: String,
    is_verified: bool,
}

impl ConsoleUserEmailPage {
    fn new(frame: Frame, user: User) -> Self {
        Self {
            problem: None,
            person_url: person_url(&user),
            version: user.version,
            // The first address counts as verified unless the administrator says otherwise.
            is_verified: user.email.is_none() || user.is_email_verified(),
            email: user.email.unwrap_or_default(),
            name: user.display_name,
            frame,
        }
    }
}

/// The submitted form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EmailForm {
    /// Empty to remove the address.
    email: String,
    verified: Option<String>,
    version: String,
}

impl EmailForm {
    fn parse(&self, frame: &Frame) -> Result<UserChange, FieldProblem> {
        let (email, is_verified) = match self.email.trim() {
            "" => (None, None),
            text => {
                let email = Email::parse(text)
                    .map_err(|_| FieldProblem::new("email", frame.text("field.email")))?;
                (Some(email), Some(self.verified.is_some()))
            }
        };
        Ok(UserChange {
            email: Some(email),
            email_verified: is_verified,
            ..UserChange::default()
        })
    }
}

async fn show_email(
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    let user = users.find(&name).await?;
    page(&ConsoleUserEmailPage::new(administrator.0.frame, user))
}

async fn save_email(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<EmailForm>,
) -> Answer {
    let user = users.find(&name).await?;
    require_rendered_version(&form.version, user.version)?;
    let change = match form.parse(&administrator.0.frame) {
        Ok(change) => change,
        Err(problem) => return refuse(administrator.0.frame, user, &form, problem),
    };
    if !administrator.is_fresh() {
        return step_up(administrator.0.frame, &user);
    }
    let acting = administrator.acting(&request);
    let authority = Authority::Delegate(administrator.0.user());
    users
        .update(user.id, change, Some(user.version), authority, acting)
        .await?;
    let url = person_url(&user);
    Ok(redirect(&format!("{url}?notice=email_saved")))
}

/// Shows the form again with the entered values and the problem.
fn refuse(frame: Frame, user: User, form: &EmailForm, problem: FieldProblem) -> Answer {
    let template = ConsoleUserEmailPage {
        problem: Some(problem),
        email: form.email.clone(),
        is_verified: form.verified.is_some(),
        ..ConsoleUserEmailPage::new(frame, user)
    };
    page_with_status(StatusCode::BAD_REQUEST, &template)
}

fn step_up(frame: Frame, user: &User) -> Answer {
    let name = user.display_name.as_str();
    page(&StepUpPage {
        what: frame.text_with("step_up.act.change_email", &[("name", name)]),
        action: frame.path.clone(),
        cancel_url: person_url(user),
        frame,
    })
}
