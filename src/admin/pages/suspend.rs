//! `/admin/users/{user}/suspend` and `/reactivate`.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm, person_url};
use super::manager::Manager;
use crate::sessions::Sessions;
use crate::users::{LastAdministrator, Users};
use crate::web::{Answer, only, redirect};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/admin/users/{user}/suspend")
                .route(web::get().to(ask_to_suspend))
                .route(web::post().to(suspend))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/admin/users/{user}/reactivate")
                .route(web::get().to(ask_to_reactivate))
                .route(web::post().to(reactivate))
                .default_service(only("GET, POST")),
        );
}

async fn ask_to_suspend(
    manager: Manager,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    name: web::Path<String>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    if users.is_last_administrator(person.id).await? {
        return Err(LastAdministrator.into());
    }
    let open = sessions.list(person.id).await?.len();
    let frame = manager.visitor.frame;
    let mut effects = vec![frame.text("confirm.suspend.effect_passkeys").to_owned()];
    if open > 0 {
        effects.push(frame.text_counted("confirm.suspend.effect_sessions", open));
    }
    Act::Suspend.confirm(frame, &person, effects)
}

async fn suspend(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    let reason = form.parse()?;
    form.require_version(person.version)?;
    if !manager.is_fresh() {
        return Act::Suspend.step_up(manager.visitor.frame, &person);
    }
    let acting = manager.acting(&request);
    let ended = users
        .suspend(person.id, reason, manager.authority(), acting)
        .await?;
    Act::Suspend.done(manager.visitor.frame, &person, ended.sessions)
}

async fn ask_to_reactivate(
    manager: Manager,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    Act::Reactivate.confirm(manager.visitor.frame, &person, Vec::new())
}

async fn reactivate(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    let reason = form.parse()?;
    form.require_version(person.version)?;
    if !manager.is_fresh() {
        return Act::Reactivate.step_up(manager.visitor.frame, &person);
    }
    let acting = manager.acting(&request);
    users
        .reactivate(person.id, reason, manager.authority(), acting)
        .await?;
    let url = person_url(&person);
    Ok(redirect(&format!("{url}?notice=reactivated")))
}
