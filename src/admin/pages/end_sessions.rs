//! `/admin/users/{user}/sessions/…`: signing a person out of one browser, or of all.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm};
use super::manager::Manager;
use crate::base::ids::SessionId;
use crate::sessions::Sessions;
use crate::users::Users;
use crate::web::{Answer, Problem, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/admin/users/{user}/sessions/end-all")
                .route(web::get().to(ask_to_end_all))
                .route(web::post().to(end_all))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/admin/users/{user}/sessions/{session}/end")
                .route(web::get().to(ask_to_end_one))
                .route(web::post().to(end_one))
                .default_service(only("GET, POST")),
        );
}

async fn ask_to_end_all(
    manager: Manager,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    name: web::Path<String>,
) -> Answer {
    let person = manager.find(&users, &name).await?;
    let open = sessions.list(person.id).await?.len();
    let frame = manager.visitor.frame;
    let effect = frame.text_counted("confirm.end_all_sessions.effect", open);
    let name = person.display_name.as_str();
    let offline = frame.text_with("confirm.end_all_sessions.effect_offline", &[("name", name)]);
    Act::EndAllSessions.confirm(frame, &person, vec![effect, offline])
}

async fn end_all(
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
        return Act::EndAllSessions.step_up(manager.visitor.frame, &person);
    }
    let acting = manager.acting(&request);
    let ended = users
        .end_all_sessions(person.id, reason, manager.authority(), acting)
        .await?;
    Act::EndAllSessions.done(manager.visitor.frame, &person, ended.sessions)
}

async fn ask_to_end_one(
    manager: Manager,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    path: web::Path<(String, String)>,
) -> Answer {
    let person = manager.find(&users, &path.0).await?;
    let id = SessionId::parse(&path.1).ok_or_else(Problem::not_found)?;
    let this = manager.visitor.session().id;
    let open = sessions.list_entries(person.id, this).await?;
    let session = open
        .iter()
        .find(|session| session.id == id)
        .ok_or_else(Problem::not_found)?;
    let frame = manager.visitor.frame;
    let effect = frame.text_with(
        "confirm.end_session.effect",
        &[
            ("browser", session.browser.as_str()),
            ("address", session.address.as_str()),
        ],
    );
    let name = person.display_name.as_str();
    let offline = frame.text_with("confirm.end_session.effect_offline", &[("name", name)]);
    Act::EndSession.confirm(frame, &person, vec![effect, offline])
}

async fn end_one(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    path: web::Path<(String, String)>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = manager.find(&users, &path.0).await?;
    let id = SessionId::parse(&path.1).ok_or_else(Problem::not_found)?;
    let reason = form.parse()?;
    form.require_version(person.version)?;
    if !manager.is_fresh() {
        return Act::EndSession.step_up(manager.visitor.frame, &person);
    }
    let acting = manager.acting(&request);
    let ended = users
        .end_session(person.id, id, reason, manager.authority(), acting)
        .await?;
    Act::EndSession.done(manager.visitor.frame, &person, ended.sessions)
}
