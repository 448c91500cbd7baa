//! `/admin/resources/forget`: what is known of a thing, forgotten; asked about before.

use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::named;
use crate::access::{Access, ResourceName};
use crate::admin::http::parse_reason;
use crate::admin::pages::grant_manager::GrantManager;
use crate::admin::pages::grants::{one_line, thing_url};
use crate::web::{
    Answer, ConfirmPage, Frame, HiddenField, StepUpPage, only, page, redirect,
    require_rendered_version,
};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/resources/forget")
            .route(web::get().to(ask))
            .route(web::post().to(forget))
            .default_service(only("GET, POST")),
    );
}

#[derive(Deserialize)]
struct Forget {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    reason: String,
    /// The version of the resource that is deleted.
    #[serde(default)]
    version: String,
}

fn hidden(name: &ResourceName) -> Vec<HiddenField> {
    HiddenField::list([("type", name.kind.to_string()), ("id", name.id.to_string())])
}

fn say(frame: &Frame, key: &str, name: &ResourceName) -> String {
    frame.text_with(key, &[("thing", name.to_string().as_str())])
}

async fn ask(
    manager: GrantManager,
    access: web::Data<Access>,
    asked: web::Query<Forget>,
) -> Answer {
    let name = named(&asked.r#type, &asked.id)?;
    manager.reach.require(&name.kind)?;
    let thing = access.read_thing_view(name.clone()).await?;
    let frame = manager.frame();
    page(&ConfirmPage {
        title: say(&frame, "confirm.forget_resource.title", &name),
        what: say(&frame, "confirm.forget_resource.what", &name),
        effects: vec![say(&frame, "confirm.forget_resource.effect", &name)],
        undo: Some(say(&frame, "confirm.forget_resource.undo", &name)),
        action: frame.path.clone(),
        hidden: hidden(&name),
        version: Some(thing.version),
        asks_reason: true,
        option: None,
        confirm_label: say(&frame, "confirm.forget_resource.button", &name),
        is_destructive: true,
        cancel_url: thing_url(&name),
        frame,
    })
}

async fn forget(
    request: HttpRequest,
    manager: GrantManager,
    access: web::Data<Access>,
    form: web::Form<Forget>,
) -> Answer {
    let name = named(&form.r#type, &form.id)?;
    manager.reach.require(&name.kind)?;
    let reason = parse_reason(&one_line(&form.reason))?;
    let thing = access.read_thing_view(name.clone()).await?;
    require_rendered_version(&form.version, thing.version)?;
    if !manager.is_fresh() {
        let frame = manager.frame();
        return page(&StepUpPage {
            what: say(&frame, "step_up.act.forget_resource", &name),
            action: frame.path.clone(),
            cancel_url: thing_url(&name),
            frame,
        });
    }
    let acting = manager.acting(&request);
    let expected = Some(thing.version);
    access.delete_thing(name, expected, reason, acting).await?;
    Ok(redirect("/admin/resources?notice=forgotten"))
}
