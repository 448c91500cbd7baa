//! `/admin/grants/{grant}/withdraw`.

use actix_web::{HttpRequest, web};
use askama::Template;

use super::one::find;
use crate::access::{Access, Grant};
use crate::admin::pages::act::ReasonForm;
use crate::admin::pages::grant_manager::{GrantManager, Holder};
use crate::users::Users;
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
fn say(frame: &Frame, key: &str, grant: &Grant, holder: &Holder) -> String {
    let (thing, roles) = (grant.resource().to_string(), grant.roles.join(", "));
    let values = [
        ("name", holder.name.as_str()),
        ("thing", thing.as_str()),
        ("roles", roles.as_str()),
    ];
    frame.text_with(key, &values)
}

async fn ask(
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
) -> Answer {
    let (grant, holder) = find(&manager, &access, &users, &id).await?;
    let frame = manager.frame();
    let say = |key: &str| say(&frame, key, &grant, &holder);
    page(&ConfirmPage {
        title: say("confirm.withdraw_grant.title"),
        what: say("confirm.withdraw_grant.what"),
        effects: vec![say("confirm.withdraw_grant.effect")],
        undo: Some(say("confirm.withdraw_grant.undo")),
        action: frame.path.clone(),
        hidden: Vec::new(),
        version: Some(grant.version),
        asks_reason: true,
        option: None,
        confirm_label: say("confirm.withdraw_grant.button"),
        is_destructive: true,
        cancel_url: holder.url(),
        frame,
    })
}

async fn withdraw(
    request: HttpRequest,
    manager: GrantManager,
    access: web::Data<Access>,
    users: web::Data<Users>,
    id: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let (grant, holder) = find(&manager, &access, &users, &id).await?;
    let reason = form.parse()?;
    form.require_version(grant.version)?;
    if !manager.is_fresh() {
        let frame = manager.frame();
        return page(&StepUpPage {
            what: say(&frame, "step_up.act.withdraw_grant", &grant, &holder),
            action: frame.path.clone(),
            cancel_url: holder.url(),
            frame,
        });
    }
    let acting = manager.acting(&request);
    let before = access
        .withdraw(grant.id, Some(grant.version), reason, acting)
        .await?;
    let frame = manager.frame();
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
        title: say(&frame, "console_done.withdraw_grant.title", &grant, &holder),
        cut,
        person_url: holder.url(),
        person_name: holder.name,
        frame,
    })
}
