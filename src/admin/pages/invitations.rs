//! `POST /admin/invitations`: creates an invitation link for a new user, and shows it once.

use std::collections::HashMap;

use actix_web::web;
use askama::Template;

use super::invite_form::InviteForm;
use super::users::{Listing, show};
use super::visitor::Manager;
use crate::base::clock::Timestamp;
use crate::users::{InvitationLink, InviteError};
use crate::web::{Answer, FieldProblem, Frame, StepUpPage, page_with_secret, qr_svg};

pub(super) async fn invite(manager: Manager, sent: web::Form<HashMap<String, String>>) -> Answer {
    let frame = manager.frame();
    let form = InviteForm::sent(&sent);
    let role_needed = ("roles", "admin_users.role_needed");
    let (field, key) = match form.parse(&frame) {
        Err(problem) => return show(&manager, &Listing::default(), form, Some(problem)).await,
        Ok(new) if new.roles.is_empty() && manager.actor.delegate().is_some() => role_needed,
        Ok(new) => {
            let Ok(permit) = manager.permit() else {
                return step_up(frame, &form);
            };
            match manager.users.invite(new, permit).await {
                Ok(link) => return show_link(frame, link, form.name(), None),
                Err(InviteError::UsernameTaken) => ("username", "field.username_taken"),
                Err(InviteError::RoleNeeded) => role_needed,
                Err(InviteError::UnknownRole(_)) => ("roles", "admin_user_roles.role_gone"),
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
        None => ("invite_without_name", ""),
    };
    StepUpPage::show(frame, key, &[("name", name)], "/admin".into())
}

#[derive(Template)]
#[template(path = "admin_invited.html")]
struct AdminInvitedPage {
    frame: Frame,
    is_recovery: bool,
    name: Option<String>,
    url: String,
    qr_svg: String,
    valid_until: Timestamp,
    back_url: String,
}

/// Shows a link once. With the URL of a user's page it is a recovery link for that user.
pub(super) fn show_link(
    frame: Frame,
    link: InvitationLink,
    name: Option<String>,
    user_url: Option<String>,
) -> Answer {
    page_with_secret(&AdminInvitedPage {
        frame,
        is_recovery: user_url.is_some(),
        name,
        qr_svg: qr_svg(&link.url)?,
        url: link.url,
        valid_until: link.expires_at,
        back_url: user_url.unwrap_or_else(|| "/admin".into()),
    })
}
