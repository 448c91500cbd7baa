//! `/admin/users/{user}/sessions/…`: signing a person out of one browser, or of all.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm};
use super::administrator::Administrator;
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
    administrator: Administrator,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    name: web::Path<String>,
) -> Answer {
    let person = users.find(&name).await?;
    let open = sessions.list(person.id).await?.len();
    let frame = administrator.0.frame;
    let effect = frame.text_counted("confirm.end_all_sessions.effect", open);
    Act::EndAllSessions.confirm(frame, &person, vec![effect])
}

async fn end_all(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    name: web::Path<String>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = users.find(&name).await?;
    let reason = form.parse()?;
    if !administrator.is_fresh() {
        return Act::EndAllSessions.step_up(administrator.0.frame, &person, form.into_inner());
    }
    let author = administrator.0.author(&request);
    let ended = sessions.end_all(person.id, reason, author).await?;
    Act::EndAllSessions.done(administrator.0.frame, &person, ended.sessions)
}

async fn ask_to_end_one(
    administrator: Administrator,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    path: web::Path<(String, String)>,
) -> Answer {
    let person = users.find(&path.0).await?;
    let id = SessionId::parse(&path.1).ok_or_else(Problem::not_found)?;
    let this = administrator.0.session().id;
    let open = sessions.list_entries(person.id, this).await?;
    let session = open
        .iter()
        .find(|session| session.id == id)
        .ok_or_else(Problem::not_found)?;
    let frame = administrator.0.frame;
    let effect = frame.text_with(
        "confirm.end_session.effect",
        &[
            ("browser", session.browser.as_str()),
            ("address", session.address.as_str()),
        ],
    );
    Act::EndSession.confirm(frame, &person, vec![effect])
}

async fn end_one(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    path: web::Path<(String, String)>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = users.find(&path.0).await?;
    let id = SessionId::parse(&path.1).ok_or_else(Problem::not_found)?;
    let reason = form.parse()?;
    if !administrator.is_fresh() {
        return Act::EndSession.step_up(administrator.0.frame, &person, form.into_inner());
    }
    let author = administrator.0.author(&request);
    let ended = sessions.end_one(person.id, id, reason, author).await?;
    Act::EndSession.done(administrator.0.frame, &person, ended.sessions)
}
