//! `POST /admin/invitations`: a link for somebody new. It is shown this once.

use std::collections::{BTreeSet, HashMap};

use actix_web::{HttpRequest, web};
use askama::Template;

use super::invitation_list::show_invitations;
use super::manager::Manager;
use super::people::{Listing, show};
use super::role_boxes::checked;
use crate::users::{
    DisplayName, Email, FieldError, InvitationLink, InviteError, NewInvitation, Username, Users,
};
use crate::web::{
    Answer, FieldProblem, Frame, Moment, StepUpPage, one_time_page, only, page, qr_svg,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/invitations")
            .route(web::get().to(show_invitations))
            .route(web::post().to(invite))
            .default_service(only("GET, POST")),
    );
}

/// Whom to invite, as typed; what is empty the person fills in.
#[derive(Debug, Default)]
pub(super) struct InviteForm {
    pub(super) username: String,
    pub(super) email: String,
    /// Whether the address is not to count as verified.
    pub(super) email_unverified: bool,
    pub(super) display_name: String,
    pub(super) roles: BTreeSet<String>,
}

impl InviteForm {
    fn sent(sent: &HashMap<String, String>) -> Self {
        let text = |name: &str| sent.get(name).cloned().unwrap_or_default();
        Self {
            username: text("username"),
            email: text("email"),
            email_unverified: sent.contains_key("email_unverified"),
            display_name: text("display_name"),
            roles: checked(sent),
        }
    }

    fn parse(&self, frame: &Frame) -> Result<NewInvitation, FieldProblem> {
        let refused = |field, sentence| move |_: FieldError| FieldProblem::new(field, sentence);
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(NewInvitation {
            username: given(&self.username)
                .map(|text| Username::parse(&text))
                .transpose()
                .map_err(refused("username", frame.text("field.username")))?,
            email: given(&self.email)
                .map(|text| Email::parse(&text))
                .transpose()
                .map_err(refused("email", frame.text("field.email")))?,
            display_name: given(&self.display_name)
                .map(|text| DisplayName::parse(&text))
                .transpose()
                .map_err(refused("display_name", frame.text("field.display_name")))?,
            roles: self.roles.iter().cloned().collect(),
            email_verified: self.email_unverified.then_some(false),
            ..NewInvitation::default()
        })
    }

    /// What to call the person, as far as the form says.
    fn name(&self) -> Option<String> {
        [&self.display_name, &self.username, &self.email]
            .into_iter()
            .map(|text| text.trim().to_owned())
            .find(|text| !text.is_empty())
    }
}

async fn invite(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    sent: web::Form<HashMap<String, String>>,
) -> Answer {
    let (acting, authority) = (manager.acting(&request), manager.authority());
    let frame = &manager.visitor.frame;
    let form = InviteForm::sent(&sent);
    let wanted = match form.parse(frame) {
        Ok(wanted) if wanted.roles.is_empty() && manager.delegate().is_some() => {
            let problem = FieldProblem::new("roles", frame.text("console_users.role_needed"));
            return show(&request, manager, Listing::default(), form, Some(problem)).await;
        }
        Ok(wanted) => wanted,
        Err(problem) => {
            return show(&request, manager, Listing::default(), form, Some(problem)).await;
        }
    };
    if !manager.is_fresh() {
        return step_up(manager.visitor.frame, &form);
    }
    let (field, key) = match users.invite(wanted, authority, acting).await {
        Ok(link) => return show_link(manager.visitor.frame, link, form.name(), None),
        Err(InviteError::UsernameTaken) => ("username", "field.username_taken"),
        Err(InviteError::RoleNeeded) => ("roles", "console_users.role_needed"),
        Err(InviteError::UnknownRole(_)) => ("roles", "console_user_roles.role_gone"),
        Err(error) => return Err(error.into()),
    };
    let problem = FieldProblem::new(field, frame.text(key));
    show(&request, manager, Listing::default(), form, Some(problem)).await
}

fn step_up(frame: Frame, form: &InviteForm) -> Answer {
    let what = match form.name() {
        Some(name) => frame.text_with("step_up.act.invite", &[("name", name.as_str())]),
        None => frame.text("step_up.act.invite_anybody").to_owned(),
    };
    page(&StepUpPage {
        what,
        action: frame.path.clone(),
        cancel_url: "/admin".into(),
        frame,
    })
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

/// Shows a link, this once. With the page of a person it is an enrolment link of theirs.
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
