//! `/v1/users/{user}/sessions`: lists and ends the sessions of a user.

use actix_web::{HttpResponse, web};

use super::AuditReason;
use crate::admin::commands::Commands;
use crate::base::ids::SessionId;
use crate::clients::Scope;
use crate::sessions::SessionView;
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

async fn end(
    commands: Commands,
    user: &str,
    session: Option<&str>,
    reason: web::Query<AuditReason>,
) -> Answer {
    let (user, permit) = commands.user_to_change(user, Scope::SessionsRevoke).await?;
    let parse = |id| SessionId::parse(id).ok_or_else(Problem::not_found);
    let session = session.map(parse).transpose()?;
    let ended = commands
        .users
        .end_sessions(user, session, reason.parse()?, permit)
        .await?;
    Ok(HttpResponse::Ok().json(SessionsEnded {
        sessions_ended: ended.sessions,
    }))
}

/// Ends all sessions of a user, and all access of apps to the account, including offline access.
#[utoipa::path(
    delete, path = "/v1/users/{user}/sessions", tag = "sessions",
    params(("user" = String, Path, description = "ID or username"), AuditReason),
    responses((status = 200, description = "The number of sessions that were ended", body = SessionsEnded))
)]
pub async fn end_all_sessions(
    commands: Commands,
    name: web::Path<String>,
    reason: web::Query<AuditReason>,
) -> Answer {
    end(commands, &name, None, reason).await
}

/// Ends one session of a user and the access that apps got in it, including offline access, which is kept when users sign out
/// themselves.
#[utoipa::path(
    delete, path = "/v1/users/{user}/sessions/{session}", tag = "sessions",
    params(
        ("user" = String, Path, description = "ID or username"),
        ("session" = uuid::Uuid, Path, description = "ID of the session"),
        AuditReason,
    ),
    responses((status = 200, description = "The number of sessions that were ended", body = SessionsEnded))
)]
pub async fn end_session(
    commands: Commands,
    path: web::Path<(String, String)>,
    reason: web::Query<AuditReason>,
) -> Answer {
    end(commands, &path.0, Some(&path.1), reason).await
}
