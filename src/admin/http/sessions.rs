//! `/v1/users/{user}/sessions`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::users::not_yours;
use super::{Reason, authority, find_changeable, find_readable};
use crate::base::ids::SessionId;
use crate::clients::Scope;
use crate::sessions::{Caller, SessionView, Sessions};
use crate::users::{SignOutError, Users};
use crate::web::{Answer, Items, Problem, SessionsEnded, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/users/{user}/sessions")
                .route(web::get().to(list_sessions))
                .route(web::delete().to(end_all_sessions))
                .default_service(only("GET, DELETE")),
        )
        .service(
            web::resource("/v1/users/{user}/sessions/{session}")
                .route(web::delete().to(end_session))
                .default_service(only("DELETE")),
        );
}

/// The open sessions of a person.
#[utoipa::path(
    get, path = "/v1/users/{user}/sessions", tag = "sessions",
    params(("user" = String, Path, description = "Id or username")),
    responses((status = 200, body = Items<SessionView>))
)]
pub async fn list_sessions(
    caller: Caller,
    users: web::Data<Users>,
    sessions: web::Data<Sessions>,
    name: web::Path<String>,
) -> Answer {
    let user = find_readable(&caller, &users, &name, Scope::SessionsRead).await?;
    let items = sessions.list(user).await?;
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// Ends all sessions of a user, everywhere, and all access of apps to the account, offline access too.
#[utoipa::path(
    delete, path = "/v1/users/{user}/sessions", tag = "sessions",
    params(("user" = String, Path, description = "Id or username"), Reason),
    responses((status = 200, body = SessionsEnded))
)]
pub async fn end_all_sessions(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    name: web::Path<String>,
    reason: web::Query<Reason>,
) -> Answer {
    let user = find_changeable(&caller, &users, &name, Scope::SessionsRevoke).await?;
    let reason = reason.into_inner().parse()?;
    let ended = users
        .end_all_sessions(
            user,
            reason,
            authority(&caller),
            caller.acting(&request, Scope::SessionsRevoke),
        )
        .await?;
    Ok(HttpResponse::Ok().json(SessionsEnded {
        sessions_ended: ended.sessions,
    }))
}

/// Ends one session of a user, and everything that apps got in it, offline access too. If users sign out themselves, they keep it.
#[utoipa::path(
    delete, path = "/v1/users/{user}/sessions/{session}", tag = "sessions",
    params(
        ("user" = String, Path, description = "Id or username"),
        ("session" = uuid::Uuid, Path, description = "The session's id"),
        Reason,
    ),
    responses((status = 200, body = SessionsEnded))
)]
pub async fn end_session(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    path: web::Path<(String, String)>,
    reason: web::Query<Reason>,
) -> Answer {
    let (name, id) = path.into_inner();
    let user = find_changeable(&caller, &users, &name, Scope::SessionsRevoke).await?;
    let id = SessionId::parse(&id).ok_or_else(Problem::not_found)?;
    let reason = reason.into_inner().parse()?;
    let ended = users
        .end_session(
            user,
            id,
            reason,
            authority(&caller),
            caller.acting(&request, Scope::SessionsRevoke),
        )
        .await?;
    Ok(HttpResponse::Ok().json(SessionsEnded {
        sessions_ended: ended.sessions,
    }))
}

impl From<SignOutError> for Problem {
    fn from(error: SignOutError) -> Self {
        match error {
            SignOutError::NotYours => not_yours(),
            SignOutError::End(error) => error.into(),
        }
    }
}
