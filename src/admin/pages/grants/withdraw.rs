//! `/admin/grants/{grant}/withdraw`.

use actix_web::{HttpRequest, web};
use askama::Template;

use super::one::find;
use crate::access::{Access, Grant};
use crate::admin::pages::act::{ReasonForm, person_url};
use crate::admin::pages::administrator::Administrator;
use crate::users::{User, Users};
use crate::web::{Answer, ConfirmPage, Frame, StepUpPage, only, page};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/grants/{grant}/withdraw")
            .route(web::get().to(ask))
            .route(web::post().to(withdraw))
            .default_service(only("GET, POST")),
    );
}

#[derive(Template)]
#[template(path = "console_done.html")]
struct WithdrawnPage {
    frame: Frame,
    title: String,
    cut: Vec<String>,
    person_url: String,
    person_name: String,
}

/// A sentence with the names in it.
fn say(frame: &Frame, key: &str, grant: &Grant, person: &User) -> String {
    let (thing, roles) = (grant.resource().to_string(), grant.roles.join(", "));
    let values = [
        ("name", person.display_name.as_str()),
        ("thing", thing.as_str()),
        ("roles", roles.as_str()),
    ];
    frame.text_with(key, &values)
}

async fn ask(
    administrator: Administrator,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
) -> Answer {
    let (grant, person) = find(&access, &users, &id).await?;
    let frame = administrator.0.frame;
    let say = |key: &str| say(&frame, key, &grant, &person);
    page(&ConfirmPage {
        title: say("confirm.withdraw_grant.title"),
        what: say("confirm.withdraw_grant.what"),
        effects: vec![say("confirm.withdraw_grant.effect")],
        undo: Some(say("confirm.withdraw_grant.undo")),
        action: frame.path.clone(),
        hidden: Vec::new(),
        asks_reason: true,
        confirm_label: say("confirm.withdraw_grant.button"),
        is_destructive: true,
        cancel_url: person_url(&person),
        frame,
    })
}

async fn withdraw(
    request: HttpRequest,
    administrator: Administrator,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let (grant, person) = find(&access, &users, &id).await?;
    let reason = form.parse()?;
    if !administrator.is_fresh() {
        let frame = administrator.0.frame;
        return page(&StepUpPage {
            what: say(&frame, "step_up.act.withdraw_grant", &grant, &person),
            action: frame.path.clone(),
            hidden: form.into_inner().into_hidden(),
            cancel_url: person_url(&person),
            frame,
        });
    }
    let author = administrator.0.author(&request);
    let before = access.withdraw(grant.id, reason, author).await?;
    let frame = administrator.0.frame;
    let cut = before
        .roles
        .iter()
        .map(|role| {
            let thing = before.resource().to_string();
            let values = [("role", role.as_str()), ("thing", thing.as_str())];
            frame.text_with("console_done.role", &values)
        })
        .collect();
    page(&WithdrawnPage {
        title: say(&frame, "console_done.withdraw_grant.title", &grant, &person),
        cut,
        person_url: person_url(&person),
        person_name: person.display_name,
        frame,
    })
}
