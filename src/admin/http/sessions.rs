//! `/v1/users/{user}/sessions`: lists and ends the sessions of a user.

use actix_web::{HttpResponse, web};

use super::Reason;
use crate::admin::commands::Commands;
use crate::base::ids::SessionId;
use crate::clients::Scope;
use crate::sessions::{Ended, SessionView};
use crate::web::{Answer, Items, Problem, SessionsEnded};

/// Lists the open sessions of a user.
#[utoipa::path(
    get, path = "/v1/users/{user}/sessions", tag = "sessions",
    params(("user" = String, Path, description = "ID or username")),
    responses((status = 200, description = "The open sessions", body = Items<SessionView>))
)]
pub async fn list_sessions(commands: Commands, name: web::Path<String>) -> Answer {
    let user = commands.readable_user(&name, Scope::SessionsRead).await?;
    let items = commands.sessions.list(user).await?;
    Ok(HttpResponse::Ok().json(Items { items }))
}

fn answer(ended: &Ended) -> HttpResponse {
    HttpResponse::Ok().json(SessionsEnded {
        sessions_ended: ended.sessions,
    })
}

/// Ends all sessions of a user, and all access of apps to the account, including offline access.
#[utoipa::path(
    delete, path = "/v1/users/{user}/sessions", tag = "sessions",
    params(("user" = String, Path, description = "ID or username"), Reason),
    responses((status = 200, description = "The number of sessions that were ended", body = SessionsEnded))
)]
pub async fn end_all_sessions(
    commands: Commands,
    name: web::Path<String>,
    reason: web::Query<Reason>,
) -> Answer {
    let (user, permit) = commands
        .user_to_change(&name, Scope::SessionsRevoke)
        .await?;
    let ended = commands
        .users
        .end_all_sessions(user, reason.parse()?, permit.permissions, permit.acting)
        .await?;
    Ok(answer(&ended))
}

/// Ends one session of a user and the access that apps got in it, including offline access, which is kept when users sign out
/// themselves.
#[utoipa::path(
    delete, path = "/v1/users/{user}/sessions/{session}", tag = "sessions",
    params(
        ("user" = String, Path, description = "ID or username"),
        ("session" = uuid::Uuid, Path, description = "ID of the session"),
        Reason,
    ),
    responses((status = 200, description = "The number of sessions that were ended", body = SessionsEnded))
)]
pub async fn end_session(
    commands: Commands,
    path: web::Path<(String, String)>,
    reason: web::Query<Reason>,
) -> Answer {
    let (user, permit) = commands
        .user_to_change(&path.0, Scope::SessionsRevoke)
        .await?;
    let id = SessionId::parse(&path.1).ok_or_else(Problem::not_found)?;
    let ended = commands
        .users
        .end_session(user, id, reason.parse()?, permit.permissions, permit.acting)
        .await?;
    Ok(answer(&ended))
}
