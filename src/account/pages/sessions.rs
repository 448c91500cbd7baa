//! `POST /account/sessions/…`: ends one of the user's sessions, or all but the current one.

use actix_web::{HttpRequest, web};

use super::visitor::SignedInVisitor;
use crate::base::ids::SessionId;
use crate::sessions::Sessions;
use crate::web::{Answer, Problem, redirect};

pub(super) async fn end_other_sessions(
    request: HttpRequest,
    SignedInVisitor(visitor): SignedInVisitor,
    sessions: web::Data<Sessions>,
) -> Answer {
    let acting = visitor.acting(&request);
    let signed_in = &visitor.signed_in;
    sessions
        .end_others(&signed_in.session, &signed_in.key, acting)
        .await?;
    Ok(redirect("/account?notice=sessions_ended"))
}

pub(super) async fn end_session(
    request: HttpRequest,
    SignedInVisitor(visitor): SignedInVisitor,
    sessions: web::Data<Sessions>,
    id: web::Path<String>,
) -> Answer {
    let id = SessionId::parse(&id).ok_or_else(Problem::not_found)?;
    let acting = visitor.acting(&request);
    sessions.end_one(visitor.user(), id, None, acting).await?;
    Ok(redirect("/account?notice=session_ended"))
}
