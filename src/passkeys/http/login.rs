//! The endpoints `/webauthn/login/{start,finish}`.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::interrupted;
use super::{FinishCeremony, StartedCeremony, UserSummary};
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::passkeys::Passkeys;
use crate::sessions::{Browser, Sessions, SignedIn, sign_in};
use crate::web::{Answer, JsonBody, RateLimits, author};

/// Options of a sign-in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartLogin {
    /// Whether the sign-in is for autofill (conditional mediation): the browser shows no dialog.
    #[serde(default)]
    conditional: bool,
    /// ID of the stored destination that the user is sent to after signing in.
    r#continue: Option<String>,
}

/// Starts a sign-in.
#[utoipa::path(
    post, path = "/webauthn/login/start", tag = "ceremonies", security(()), request_body = StartLogin,
    responses((status = 200, description = "Pass `publicKey` to the browser", body = StartedCeremony))
)]
pub async fn start_login(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<RateLimits>,
    browser: Browser,
    body: JsonBody<StartLogin>,
) -> Answer {
    limits.check(&request).await?;
    let StartLogin {
        conditional,
        r#continue: continuation,
    } = body.0;
    // Stored without a lookup, and dropped if it doesn't have the form of an ID.
    let continuation = continuation.filter(|id| Token::parse(id).is_some());
    let started = passkeys.start_login(continuation, browser.hash()).await?;
    let mut answer = StartedCeremony::from(started);
    answer.mediation = conditional.then_some("conditional");
    Ok(browser.set_cookie(HttpResponse::Ok().json(answer)))
}

/// The user who signed in, and the page to show next.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginResponse {
    user: UserSummary,
    /// Path of the next page, on this host.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#continue: Option<String>,
}

/// Completes a sign-in.
#[utoipa::path(
    post, path = "/webauthn/login/finish", tag = "ceremonies", security(()), request_body = FinishCeremony,
    responses(
        (status = 200, description = "Signed in; the session is in the cookie", body = LoginResponse),
        (status = 401, description = "The passkey is unknown or refused"),
        (status = 403, description = "The account is suspended"),
        (status = 410, description = "The ceremony was used or has expired"),
    )
)]
pub async fn finish_login(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    limits: web::Data<RateLimits>,
    session: Session,
    browser: Browser,
    body: JsonBody<FinishCeremony>,
) -> Answer {
    limits.check(&request).await?;
    let body = body.0;
    let before = SignedIn::find(&request).await?;
    let author = author(&request, Actor::Doorward);
    let logged_in = passkeys
        .finish_login(
            &body.ceremony,
            browser.hash(),
            body.credential,
            author.clone(),
        )
        .await?;
    // The browser's earlier session is ended first: a sign-in that would leave another user's session alive fails.
    if let Some(before) = before {
        let new_session = &logged_in.new_session;
        let replaced = sessions
            .end_replaced(&before.session, new_session, author)
            .await;
        replaced.map_err(|error| interrupted(&error))?;
    }
    sign_in(&session, &logged_in.new_session)?;
    let account_state = logged_in.account_state;
    Ok(browser.set_cookie(HttpResponse::Ok().json(LoginResponse {
        user: UserSummary {
            id: account_state.user_id,
            username: account_state.username,
            display_name: account_state.display_name,
            roles: account_state.roles,
        },
        r#continue: logged_in.continuation.map(|target| target.path),
    })))
}
