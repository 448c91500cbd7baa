//! The endpoints `/webauthn/register/{start,finish}`.

use actix_session::Session;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{interrupted, link_gone};
use super::{FinishCeremony, StartedCeremony, UserSummary};
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::passkeys::register::RegistrationSource;
use crate::passkeys::{PasskeyView, Passkeys, manage};
use crate::sessions::{Browser, Sessions, SignedIn, sign_in};
use crate::users::{DisplayName, Email, Username};
use crate::web::{Answer, JsonBody, Problem, RateLimits, author, field};

/// Options of a registration: a set-up link, an invitation, or `{}` for the signed-in user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRegistration {
    /// Token of a set-up link.
    setup: Option<String>,
    /// Token of an invitation link or recovery link.
    invitation: Option<String>,
    username: Option<String>,
    display_name: Option<String>,
    /// Email address of the first administrator, only with `setup`. It counts as verified.
    email: Option<String>,
}

/// Starts the registration of a passkey.
#[utoipa::path(
    post, path = "/webauthn/register/start", tag = "ceremonies", security(()), request_body = StartRegistration,
    responses(
        (status = 200, description = "Pass `publicKey` to the browser", body = StartedCeremony),
        (status = 401, description = "No user is signed in, and no link was sent"),
        (status = 403, description = "Needs a recent sign-in"),
        (status = 409, description = "The username is taken"),
        (status = 410, description = "The link was used or has expired"),
    )
)]
pub async fn start_registration(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<RateLimits>,
    browser: Browser,
    body: JsonBody<StartRegistration>,
) -> Answer {
    limits.check(&request).await?;
    let source = source(&request, body.0).await?;
    let started = passkeys.start_registration(source, browser.hash()).await?;
    Ok(browser.set_cookie(HttpResponse::Ok().json(StartedCeremony::from(started))))
}

async fn source(
    request: &HttpRequest,
    body: StartRegistration,
) -> Result<RegistrationSource, Problem> {
    let username = field("username", body.username.as_deref(), Username::parse)?;
    let display_name = body.display_name.as_deref();
    let display_name = field("display_name", display_name, DisplayName::parse)?;
    let email = field("email", body.email.as_deref(), Email::parse)?;
    if email.is_some() && body.setup.is_none() {
        return Err(Problem::invalid_field(
            "email",
            "may only be sent with `setup`",
        ));
    }
    let link = |text: &str| Token::parse(text).ok_or_else(link_gone);
    match (body.setup, body.invitation) {
        (Some(_), Some(_)) => Err(Problem::invalid_body(
            "Send `setup` or `invitation`, not both.",
        )),
        (Some(setup), None) => Ok(RegistrationSource::SetUp {
            link: link(&setup)?,
            username: username.ok_or_else(|| Problem::invalid_field("username", "is required"))?,
            display_name: display_name
                .ok_or_else(|| Problem::invalid_field("display_name", "is required"))?,
            email,
        }),
        (None, Some(invitation)) => Ok(RegistrationSource::Join {
            link: link(&invitation)?,
            username,
            display_name,
        }),
        (None, None) => {
            let person = SignedIn::extract(request).await?;
            person.require_fresh()?;
            Ok(RegistrationSource::Add {
                session: person.session,
            })
        }
    }
}

/// A user and their new passkey.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredPasskey {
    user: UserSummary,
    passkey: PasskeyView,
}

/// Completes the registration of a passkey. A user who registered through a link is signed in.
#[utoipa::path(
    post, path = "/webauthn/register/finish", tag = "ceremonies", security(()), request_body = FinishCeremony,
    responses(
        (status = 201, description = "Registered", body = RegisteredPasskey),
        (status = 400, description = "The credential is refused"),
        (status = 401, description = "The session that started this has ended"),
        (status = 409, description = "The username or the credential is taken"),
        (status = 410, description = "The ceremony or the link was used or has expired"),
    )
)]
pub async fn finish_registration(
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
    let name = field("name", body.name.as_deref(), manage::parse_name)?;
    let before = SignedIn::find(&request).await?;
    let author = author(&request, Actor::Doorward);
    let fresh = before
        .as_ref()
        .filter(|person| person.require_fresh().is_ok());
    let registered = passkeys
        .finish_registration(
            (&body.ceremony, browser.hash()),
            body.credential,
            name,
            fresh.map(|person| person.session.clone()),
            author.clone(),
        )
        .await?;
    if let Some(new_session) = &registered.new_session {
        if let Some(before) = before {
            let replaced = sessions
                .end_replaced(&before.session, new_session, author)
                .await;
            replaced.map_err(|error| interrupted(&error))?;
        }
        sign_in(&session, new_session)?;
    }
    Ok(
        browser.set_cookie(HttpResponse::Created().json(RegisteredPasskey {
            user: UserSummary {
                id: registered.user.id,
                username: registered.user.username,
                display_name: registered.user.display_name,
                roles: registered.user.roles,
            },
            passkey: registered.passkey.into(),
        })),
    )
}
