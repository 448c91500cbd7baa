//! `POST /admin/invitations`: creates an invitation link for a new user, and shows it once.

use std::collections::HashMap;

use actix_web::web;
use askama::Template;

use super::invite_form::InviteForm;
use super::people::{Listing, show};
use super::visitor::Manager;
use crate::users::{InvitationLink, InviteError};
use crate::web::{Answer, FieldProblem, Frame, Moment, StepUpPage, one_time_page, qr_svg};

pub(super) async fn invite(manager: Manager, sent: web::Form<HashMap<String, String>>) -> Answer {
    let frame = manager.frame();
    let form = InviteForm::sent(&sent);
    let role_needed = ("roles", "console_users.role_needed");
    let (field, key) = match form.parse(&frame) {
        Err(problem) => return show(&manager, &Listing::default(), form, Some(problem)).await,
        Ok(wanted) if wanted.roles.is_empty() && manager.actor.manager().is_some() => role_needed,
        Ok(wanted) => {
            let Ok(permit) = manager.permit() else {
                return step_up(frame, &form);
            };
            let (users, authority) = (&manager.users, permit.authority);
            match users.invite(wanted, authority, permit.acting).await {
                Ok(link) => return show_link(frame, link, form.name(), None),
                Err(InviteError::UsernameTaken) => ("username", "field.username_taken"),
                Err(InviteError::RoleNeeded) => role_needed,
                Err(InviteError::UnknownRole(_)) => ("roles", "console_user_roles.role_gone"),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let problem = FieldProblem::new(field, frame.text(key));
    show(&manager, &Listing::default(), form, Some(problem)).await
}

fn step_up(frame: Frame, form: &InviteForm) -> Answer {
    let name = form.name();
    let (key, name) = match &name {
        Some(name) => ("invite", name.as_str()),
        None => ("invite_anybody", ""),
    };
    StepUpPage::show(frame, key, &[("name", name)], "/admin".into())
}

#[derive(Template)]
#[template(path = "console_invited.html")]
struct ConsoleInvitedPage {
    frame: Frame,
    is_enrolment: bool,
    name: Option<String>,
    url: String,
    qr_svg: String,
    valid_until: Moment,
    back_url: String,
}

/// Shows a link once. With the URL of a user's page it is a recovery link for that user.
pub(super) fn show_link(
    frame: Frame,
    link: InvitationLink,
    name: Option<String>,
    person_url: Option<String>,
) -> Answer {
    one_time_page(&ConsoleInvitedPage {
        frame,
        is_enrolment: person_url.is_some(),
        name,
        qr_svg: qr_svg(&link.url)?,
        url: link.url,
        valid_until: link.expires_at.into(),
        back_url: person_url.unwrap_or_else(|| "/admin".into()),
    })
}
