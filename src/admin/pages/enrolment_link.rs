//! `/admin/users/{user}/enrolment-link`: a link with which a person gets a new passkey.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm, person_url};
use super::invitations::show_link;
use super::manager::Manager;
use crate::standing::UserStatus;
use crate::users::{InviteError, NewInvitation, Users};
use crate::web::{Answer, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}/enrolment-link")
            .route(web::get().to(ask_for_link))
            .route(web::post().to(make_link))
            .default_service(only("GET, POST")),
    );
}

async fn ask_for_link(
    manager: Manager,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    let frame = manager.visitor.frame;
    let about = |key: &str| frame.text_with(key, &[("name", person.display_name.as_str())]);
    let mut effects = vec![about("confirm.enrolment_link.effect_links")];
    match person.status {
        UserStatus::Suspended => return Err(InviteError::UserSuspended.into()),
        UserStatus::Active => effects.push(about("confirm.enrolment_link.effect_sessions")),
        UserStatus::Invited => {}
    }
    Act::EnrolmentLink.confirm(frame, &person, effects)
}

async fn make_link(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    form.require_version(person.version)?;
    if !manager.is_fresh() {
        let frame = manager.visitor.frame;
        return Act::EnrolmentLink.step_up(frame, &person);
    }
    let wanted = NewInvitation {
        user: Some(person.id.to_string()),
        ..NewInvitation::default()
    };
    let acting = manager.acting(&request);
    let link = users.invite(wanted, manager.authority(), acting).await?;
    let back_url = person_url(&person);
    let frame = manager.visitor.frame;
    show_link(frame, link, Some(person.display_name), Some(back_url))
}
