//! `POST /admin/invitations`: a link for somebody new. It is shown this once.

use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::administrator::Administrator;
use super::people::{Listing, show};
use crate::standing::ADMINISTRATOR;
use crate::users::{
    Authority, DisplayName, Email, FieldError, InvitationLink, InviteError, NewInvitation,
    Username, Users,
};
use crate::web::{
    Answer, FieldProblem, Frame, HiddenField, Moment, StepUpPage, only, page, qr_svg,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/invitations")
            .route(web::post().to(invite))
            .default_service(only("POST")),
    );
}

/// Whom to invite, as typed; what is empty the person fills in.
#[derive(Debug, Default, Deserialize)]
pub(super) struct InviteForm {
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) display_name: String,
    /// A box that is checked.
    administrator: Option<String>,
}

impl InviteForm {
    pub(super) fn is_administrator(&self) -> bool {
        self.administrator.is_some()
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
            roles: self
                .administrator
                .iter()
                .map(|_| ADMINISTRATOR.to_owned())
                .collect(),
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

    fn into_hidden(self) -> Vec<HiddenField> {
        let field = |name, value| HiddenField { name, value };
        let mut hidden = vec![
            field("username", self.username),
            field("email", self.email),
            field("display_name", self.display_name),
        ];
        hidden.extend(
            self.administrator
                .map(|value| field("administrator", value)),
        );
        hidden
    }
}

async fn invite(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    form: web::Form<InviteForm>,
) -> Answer {
    let author = administrator.0.author(&request);
    let is_fresh = administrator.is_fresh();
    let frame = administrator.0.frame;
    let form = form.into_inner();
    let wanted = match form.parse(&frame) {
        Ok(wanted) => wanted,
        Err(problem) => {
            return show(&request, frame, Listing::default(), form, Some(problem)).await;
        }
    };
    if !is_fresh {
        return step_up(frame, form);
    }
    match users.invite(wanted, Authority::Administrator, author).await {
        Ok(link) => show_link(frame, link, form.name(), None),
        Err(InviteError::UsernameTaken) => {
            let problem = FieldProblem::new("username", frame.text("field.username_taken"));
            show(&request, frame, Listing::default(), form, Some(problem)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn step_up(frame: Frame, form: InviteForm) -> Answer {
    let what = match form.name() {
        Some(name) => frame.text_with("step_up.act.invite", &[("name", name.as_str())]),
        None => frame.text("step_up.act.invite_anybody").to_owned(),
    };
    page(&StepUpPage {
        what,
        action: frame.path.clone(),
        hidden: form.into_hidden(),
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
    page(&ConsoleInvitedPage {
        frame,
        is_enrolment: person_url.is_some(),
        name,
        qr_svg: qr_svg(&link.url)?,
        url: link.url,
        valid_until: link.expires_at.into(),
        back_url: person_url.unwrap_or_else(|| "/admin".into()),
    })
}
