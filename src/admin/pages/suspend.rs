//! `/admin/users/{user}/suspend` and `/reactivate`.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm, person_url};
use super::administrator::Administrator;
use crate::sessions::Sessions;
use crate::users::{Authority, LastAdministrator, Users};
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
    administrator: Administrator,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    name: web::Path<String>,
) -> Answer {
    let person = users.find(&name).await?;
    if users.is_last_administrator(person.id).await? {
        return Err(LastAdministrator.into());
    }
    let open = sessions.list(person.id).await?.len();
    let frame = administrator.0.frame;
    let mut effects = vec![frame.text("confirm.suspend.effect_passkeys").to_owned()];
    if open > 0 {
        effects.push(frame.text_counted("confirm.suspend.effect_sessions", open));
    }
    Act::Suspend.confirm(frame, &person, effects)
}

async fn suspend(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = users.find(&name).await?;
    let reason = form.parse()?;
    if !administrator.is_fresh() {
        return Act::Suspend.step_up(administrator.0.frame, &person, form.into_inner());
    }
    let author = administrator.0.author(&request);
    let ended = users
        .suspend(person.id, reason, Authority::Administrator, author)
        .await?;
    Act::Suspend.done(administrator.0.frame, &person, ended.sessions)
}

async fn ask_to_reactivate(
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
) -> Answer {
    let person = users.find(&name).await?;
    Act::Reactivate.confirm(administrator.0.frame, &person, Vec::new())
}

async fn reactivate(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = users.find(&name).await?;
    let reason = form.parse()?;
    if !administrator.is_fresh() {
        return Act::Reactivate.step_up(administrator.0.frame, &person, form.into_inner());
    }
    let author = administrator.0.author(&request);
    users
        .reactivate(person.id, reason, Authority::Administrator, author)
        .await?;
    let url = person_url(&person);
    Ok(redirect(&format!("{url}?notice=reactivated")))
}
