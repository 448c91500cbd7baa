//! The endpoints `/webauthn/step-up/{start,finish}`.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FinishCeremony, StartedCeremony};
use crate::base::clock::Timestamp;
use crate::history::Actor;
use crate::passkeys::Passkeys;
use crate::sessions::{Browser, SignedIn, sign_in};
use crate::web::{Answer, JsonBody, RateLimits, author};

/// An empty request body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

/// Starts a step-up of the session.
#[utoipa::path(
    post, path = "/webauthn/step-up/start", tag = "ceremonies", security(("cookie" = [])), request_body = EmptyBody,
    responses(
        (status = 200, description = "Pass `publicKey` to the browser", body = StartedCeremony),
        (status = 401, description = "Not signed in"),
    )
)]
pub async fn start_step_up(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<RateLimits>,
    browser: Browser,
    signed_in: SignedIn,
    _body: JsonBody<EmptyBody>,
) -> Answer {
    limits.check(&request).await?;
    let started = passkeys
        .start_step_up(&signed_in.session, browser.hash())
        .await?;
    Ok(browser.set_cookie(HttpResponse::Ok().json(StartedCeremony::from(started))))
}

/// A session after a step-up.
#[derive(Debug, Serialize, ToSchema)]
pub struct SteppedUpSession {
    #[schema(value_type = String, format = DateTime)]
    auth_time: Timestamp,
}

/// Completes a step-up: the session gets a later `auth_time` and a new cookie.
#[utoipa::path(
    post, path = "/webauthn/step-up/finish", tag = "ceremonies", security(("cookie" = [])), request_body = FinishCeremony,
    responses(
        (status = 200, description = "The session was stepped up", body = SteppedUpSession),
        (status = 401, description = "The passkey is unknown or refused, or no user is signed in"),
        (status = 410, description = "The ceremony was used or has expired"),
    )
)]
pub async fn finish_step_up(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<RateLimits>,
    session: Session,
    browser: Browser,
    signed_in: SignedIn,
    body: JsonBody<FinishCeremony>,
) -> Answer {
    limits.check(&request).await?;
    let body = body.0;
    let author = author(&request, Actor::User(signed_in.session.user));
    let new_session = passkeys
        .finish_step_up(
            &body.ceremony,
            browser.hash(),
            body.credential,
            signed_in.session,
            author,
        )
        .await?;
    sign_in(&session, &new_session)?;
    let auth_time = new_session.live.auth_time;
    Ok(browser.set_cookie(HttpResponse::Ok().json(SteppedUpSession { auth_time })))
}
