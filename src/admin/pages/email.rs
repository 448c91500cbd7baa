//! `/admin/users/{user}/email`: an administrator enters a user's email address, and says whether it is verified.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::confirm::user_url;
use super::visitor::Administrator;
use crate::users::{Email, User, UserChange};
use crate::web::{
    Answer, FieldProblem, Frame, StepUpPage, page, page_with_status, redirect,
    require_rendered_version,
};

#[derive(Template)]
#[template(path = "admin_user_email.html")]
struct AdminUserEmailPage {
    frame: Frame,
    problem: Option<FieldProblem>,
    user: User,
    email: String,
    is_verified: bool,
}

impl AdminUserEmailPage {
    fn new(frame: Frame, user: User) -> Self {
        Self {
            problem: None,
            // By default, a user's first address counts as verified.
            is_verified: user.email.is_none() || user.is_email_verified(),
            email: user.email.clone().unwrap_or_default(),
            user,
            frame,
        }
    }
}

/// The submitted form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EmailForm {
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

pub(super) async fn show_email(administrator: Administrator, name: web::Path<String>) -> Answer {
    let user = administrator.find(&name).await?;
    page(&AdminUserEmailPage::new(administrator.frame(), user))
}

pub(super) async fn save_email(
    administrator: Administrator,
    name: web::Path<String>,
    form: web::Form<EmailForm>,
) -> Answer {
    let user = administrator.find(&name).await?;
    require_rendered_version(&form.version, user.version)?;
    let frame = administrator.frame();
    let change = match form.parse(&frame) {
        Ok(change) => change,
        Err(problem) => {
            // The form again, with the submitted values.
            let template = AdminUserEmailPage {
                problem: Some(problem),
                email: form.email.clone(),
                is_verified: form.verified.is_some(),
                ..AdminUserEmailPage::new(frame, user)
            };
            return page_with_status(StatusCode::BAD_REQUEST, &template);
        }
    };
    let Ok(permit) = administrator.permit() else {
        let values = [("name", user.display_name.as_str())];
        return StepUpPage::show(frame, "change_email", &values, user_url(&user));
    };
    let update = administrator
        .users
        .update(user.id, change, Some(user.version), permit);
    update.await?;
    let url = user_url(&user);
    Ok(redirect(&format!("{url}?notice=email_saved")))
}
