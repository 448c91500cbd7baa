//! `GET` and `DELETE /v1/session`.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::end::EndError;
use super::{Cookies, Sessions, SignedIn, sign_out};
use crate::base::clock::Timestamp;
use crate::base::ids::{SessionId, UserId};
use crate::history::Actor;
use crate::web::{Answer, Problem, author};

crate::web::routes! {
    "/v1/session" => get read_session, delete delete_session;
}

/// The signed-in user, and how they signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionResponse {
    session: SessionPart,
    user: UserPart,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionPart {
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    #[schema(value_type = String, format = DateTime)]
    auth_time: Timestamp,
    amr: Vec<String>,
    acr: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
struct UserPart {
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    username: String,
    email: Option<String>,
    email_verified: bool,
    display_name: String,
    roles: Vec<String>,
}

/// Returns the session of this browser.
#[utoipa::path(
    get, path = "/v1/session", tag = "sessions", security(("cookie" = [])),
    responses(
        (status = 200, description = "A user is signed in", body = SessionResponse),
        (status = 401, description = "Not signed in"),
        (status = 503, description = "The session store is unavailable"),
    )
)]
pub async fn read_session(signed_in: SignedIn) -> Answer {
    let SignedIn {
        session,
        account_state,
        ..
    } = signed_in;
    Ok(HttpResponse::Ok().json(SessionResponse {
        session: SessionPart {
            id: session.id,
            auth_time: session.auth_time,
            expires_at: session.expires_at(),
            amr: session.amr,
            acr: session.acr,
        },
        user: UserPart {
            id: account_state.user_id,
            username: account_state.username,
            email: account_state.email,
            email_verified: account_state.email_verified,
            display_name: account_state.display_name,
            roles: account_state.roles,
        },
    }))
}

/// Signs this browser out.
///
/// Offline access of apps (`offline_access`) is kept until it is revoked at `/v1/me/apps`, or an administrator ends the session.
#[utoipa::path(
    delete, path = "/v1/session", tag = "sessions", security(("cookie" = [])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "No user was signed in"),
        (status = 503, description = "Not yet in force; repeat the request"),
    )
)]
pub async fn delete_session(
    request: HttpRequest,
    session: Session,
    signed_in: SignedIn,
    sessions: web::Data<Sessions>,
    cookies: web::Data<Cookies>,
) -> Answer {
    let author = author(&request, Actor::User(signed_in.session.user));
    sessions.sign_out(&signed_in.session, author).await?;
    Ok(sign_out(
        &session,
        &cookies,
        HttpResponse::NoContent().finish(),
    ))
}

impl From<EndError> for Problem {
    fn from(error: EndError) -> Self {
        match error {
            EndError::Unknown => Self::not_found(),
            EndError::Acting(error) => error.into(),
            EndError::Pending(error) => error.into(),
            EndError::Database(error) => error.into(),
        }
    }
}
