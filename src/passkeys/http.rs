//! The ceremonies as calls: `/webauthn/{register,login,step-up}/{start,finish}`.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Passkeys;
use super::login::LoginError;
use super::manage::{self, ManageError};
use super::passkey::PasskeyView;
use super::register::{Ground, RegisterError, Started};
use super::step_up::StepUpError;
use crate::base::ids::UserId;
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::sessions::{Browser, Sessions, SignedIn, sign_in};
use crate::users::{DisplayName, JoinError, SetUpError, Username};
use crate::web::{Answer, AnyCase, Limits, Problem, author, only};

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    macro_rules! post {
        ($($path:literal => $handler:ident),+ $(,)?) => {
            config$(.service(
                web::resource($path).route(web::post().to($handler)).default_service(only("POST")),
            ))+;
        };
    }
    post! {
        "/webauthn/register/start" => start_registration,
        "/webauthn/register/finish" => finish_registration,
        "/webauthn/login/start" => start_login,
        "/webauthn/login/finish" => finish_login,
        "/webauthn/step-up/start" => start_step_up,
        "/webauthn/step-up/finish" => finish_step_up,
    }
}

/// Start of a registration: by the set-up link, by an invitation, or `{}` for whoever is signed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRegistration {
    setup: Option<String>,
    invitation: Option<String>,
    username: Option<String>,
    display_name: Option<String>,
}

/// A ceremony that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedCeremony {
    /// To be sent back with the credential.
    ceremony: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`, as it is.
    #[serde(rename = "publicKey")]
    #[schema(value_type = Object)]
    public_key: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    mediation: Option<&'static str>,
}

impl From<Started> for StartedCeremony {
    fn from(started: Started) -> Self {
        Self {
            ceremony: started.ceremony.expose().to_owned(),
            public_key: started.public_key,
            mediation: None,
        }
    }
}

/// What the authenticator answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishCeremony {
    ceremony: String,
    /// `RegistrationResponseJSON` or `AuthenticationResponseJSON`.
    #[schema(value_type = Object)]
    credential: Value,
    /// What to call the new passkey.
    name: Option<String>,
}

/// Begins the registration of a passkey.
#[utoipa::path(
    post, path = "/webauthn/register/start", tag = "ceremonies", request_body = StartRegistration,
    responses(
        (status = 200, description = "Hand `publicKey` to the browser", body = StartedCeremony),
        (status = 401, description = "Nobody is signed in, and no link was given"),
        (status = 403, description = "Needs a recent sign-in"),
        (status = 409, description = "The username is taken"),
        (status = 410, description = "The link is used or expired"),
    )
)]
pub async fn start_registration(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<Limits>,
    browser: Browser,
    body: AnyCase<StartRegistration>,
) -> Answer {
    limits.admit(&request).await?;
    let ground = ground(&request, body.0).await?;
    let started = passkeys.start_registration(ground, browser.hash()).await?;
    Ok(browser.mark(HttpResponse::Ok().json(StartedCeremony::from(started))))
}

async fn ground(request: &HttpRequest, body: StartRegistration) -> Result<Ground, Problem> {
    let username = body
        .username
        .map(|text| Username::parse(&text))
        .transpose()
        .map_err(|fault| Problem::invalid_field("username", fault))?;
    let display_name = body
        .display_name
        .map(|text| DisplayName::parse(&text))
        .transpose()
        .map_err(|fault| Problem::invalid_field("display_name", fault))?;
    let link = |text: &str| Token::parse(text).ok_or_else(link_gone);
    match (body.setup, body.invitation) {
        (Some(_), Some(_)) => Err(Problem::invalid_body(
            "Send `setup` or `invitation`, not both.",
        )),
        (Some(setup), None) => Ok(Ground::SetUp {
            link: link(&setup)?,
            username: username
                .ok_or_else(|| Problem::invalid_field("username", "is needed here"))?,
            display_name: display_name
                .ok_or_else(|| Problem::invalid_field("display_name", "is needed here"))?,
        }),
        (None, Some(invitation)) => Ok(Ground::Join {
            link: link(&invitation)?,
            username,
            display_name,
        }),
        (None, None) => {
            let person = SignedIn::extract(request).await?;
            person.require_fresh()?;
            Ok(Ground::Add {
                session: person.session,
            })
        }
    }
}

/// A person and their new passkey.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisteredPasskey {
    user: PersonPart,
    passkey: PasskeyView,
}

#[derive(Debug, Serialize, ToSchema)]
struct PersonPart {
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    username: String,
    display_name: String,
    roles: Vec<String>,
}

/// Stores the new passkey; somebody who came in by it is signed in.
#[utoipa::path(
    post, path = "/webauthn/register/finish", tag = "ceremonies", request_body = FinishCeremony,
    responses(
        (status = 201, description = "Registered", body = RegisteredPasskey),
        (status = 400, description = "The credential is refused"),
        (status = 409, description = "The username or the credential is taken"),
        (status = 410, description = "The ceremony or the link is used or expired"),
    )
)]
pub async fn finish_registration(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    limits: web::Data<Limits>,
    session: Session,
    browser: Browser,
    body: AnyCase<FinishCeremony>,
) -> Answer {
    limits.admit(&request).await?;
    let body = body.0;
    let name = body
        .name
        .map(|name| manage::parse_name(&name))
        .transpose()
        .map_err(|fault| Problem::invalid_field("name", fault))?;
    let before = SignedIn::extract(&request).await.ok();
    let author = author(&request, Actor::Doorward);
    let registered = passkeys
        .finish_registration(
            &body.ceremony,
            browser.hash(),
            body.credential,
            name,
            before
                .as_ref()
                .filter(|person| person.is_fresh())
                .map(|person| person.session.clone()),
            author,
        )
        .await?;
    if let Some(begun) = &registered.begun {
        sign_in(&session, begun)?;
        if let Some(before) = before {
            sessions.replaced(&before.session).await;
        }
    }
    Ok(
        browser.mark(HttpResponse::Created().json(RegisteredPasskey {
            user: PersonPart {
                id: registered.user.id,
                username: registered.user.username,
                display_name: registered.user.display_name,
                roles: registered.user.roles,
            },
            passkey: registered.passkey.into(),
        })),
    )
}

/// Start of a sign-in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartLogin {
    /// For autofill: the browser waits without a dialog.
    #[serde(default)]
    conditional: bool,
    /// The id of where to go then.
    r#continue: Option<String>,
}

/// Begins a sign-in.
#[utoipa::path(
    post, path = "/webauthn/login/start", tag = "ceremonies", request_body = StartLogin,
    responses((status = 200, description = "Hand `publicKey` to the browser", body = StartedCeremony))
)]
pub async fn start_login(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<Limits>,
    browser: Browser,
    body: AnyCase<StartLogin>,
) -> Answer {
    limits.admit(&request).await?;
    let StartLogin {
        conditional,
        r#continue: continuation,
    } = body.0;
    // Handed through unread; kept no longer than an id is.
    let continuation = continuation.filter(|id| Token::parse(id).is_some());
    let started = passkeys.start_login(continuation, browser.hash()).await?;
    let mut answer = StartedCeremony::from(started);
    answer.mediation = conditional.then_some("conditional");
    Ok(browser.mark(HttpResponse::Ok().json(answer)))
}

/// Who signed in, and where to go.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedInAnswer {
    user: PersonPart,
    /// A path of this place.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#continue: Option<String>,
}

/// Signs in.
#[utoipa::path(
    post, path = "/webauthn/login/finish", tag = "ceremonies", request_body = FinishCeremony,
    responses(
        (status = 200, description = "Signed in; the session is in the cookie", body = LoggedInAnswer),
        (status = 401, description = "The passkey is unknown or refused"),
        (status = 403, description = "The account is suspended"),
        (status = 410, description = "The ceremony is used or expired"),
    )
)]
pub async fn finish_login(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    limits: web::Data<Limits>,
    session: Session,
    browser: Browser,
    body: AnyCase<FinishCeremony>,
) -> Answer {
    limits.admit(&request).await?;
    let body = body.0;
    let before = SignedIn::extract(&request).await.ok();
    let author = author(&request, Actor::Doorward);
    let logged_in = passkeys
        .finish_login(&body.ceremony, browser.hash(), body.credential, author)
        .await?;
    sign_in(&session, &logged_in.begun)?;
    if let Some(before) = before {
        sessions.replaced(&before.session).await;
    }
    let target = match &logged_in.continuation {
        Some(id) => sessions.continuation(id).await?,
        None => None,
    };
    let standing = logged_in.standing;
    Ok(browser.mark(HttpResponse::Ok().json(LoggedInAnswer {
        user: PersonPart {
            id: standing.user_id,
            username: standing.username,
            display_name: standing.display_name,
            roles: standing.roles,
        },
        r#continue: target,
    })))
}

/// Nothing to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Begins a step-up of the session.
#[utoipa::path(
    post, path = "/webauthn/step-up/start", tag = "ceremonies", request_body = Empty,
    responses(
        (status = 200, description = "Hand `publicKey` to the browser", body = StartedCeremony),
        (status = 401, description = "Nobody is signed in"),
    )
)]
pub async fn start_step_up(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<Limits>,
    browser: Browser,
    signed_in: SignedIn,
    _body: AnyCase<Empty>,
) -> Answer {
    limits.admit(&request).await?;
    let started = passkeys
        .start_step_up(&signed_in.session, browser.hash())
        .await?;
    Ok(browser.mark(HttpResponse::Ok().json(StartedCeremony::from(started))))
}

/// Raises the session: a later `auth_time`, a new cookie.
#[utoipa::path(
    post, path = "/webauthn/step-up/finish", tag = "ceremonies", request_body = FinishCeremony,
    responses(
        (status = 200, description = "Raised"),
        (status = 401, description = "The passkey is unknown or refused, or nobody is signed in"),
        (status = 410, description = "The ceremony is used or expired"),
    )
)]
pub async fn finish_step_up(
    request: HttpRequest,
    passkeys: web::Data<Passkeys>,
    limits: web::Data<Limits>,
    session: Session,
    browser: Browser,
    signed_in: SignedIn,
    body: AnyCase<FinishCeremony>,
) -> Answer {
    limits.admit(&request).await?;
    let body = body.0;
    let author = author(&request, Actor::Person(signed_in.session.user));
    let begun = passkeys
        .finish_step_up(
            &body.ceremony,
            browser.hash(),
            body.credential,
            signed_in.session,
            author,
        )
        .await?;
    sign_in(&session, &begun)?;
    Ok(browser.mark(HttpResponse::Ok().json(json!({ "auth_time": begun.live.auth_time }))))
}

fn ceremony_gone(reason: &'static str) -> Problem {
    tracing::info!(reason, "a ceremony is refused");
    Problem::new(
        StatusCode::GONE,
        "ceremony-gone",
        "Start again",
        "This ceremony was used, has expired, or was begun in another browser. Start a new one.",
    )
}

fn link_gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "link-gone",
        "This link is not good any more",
        "It was used, has expired, or a newer one took its place. Ask for a new one.",
    )
}

fn username_taken() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "username-taken",
        "The username is taken",
        "Somebody has, or had, this name. Choose another.",
    )
    .with("field", "username")
}

fn passkey_refused(status: StatusCode, reason: &str) -> Problem {
    tracing::info!(reason, "a passkey is refused");
    Problem::new(
        status,
        "passkey-refused",
        "That didn't work",
        "What the passkey answered can't be accepted. Try again, or use another passkey.",
    )
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::CeremonyGone(reason) => ceremony_gone(reason),
            RegisterError::CredentialRefused(reason) => {
                passkey_refused(StatusCode::BAD_REQUEST, &reason)
            }
            RegisterError::CredentialTaken => {
                passkey_refused(StatusCode::CONFLICT, "credential-id-taken")
            }
            RegisterError::SetUp(error) => error.into(),
            RegisterError::Join(error) => error.into(),
            RegisterError::SessionOver => Self::new(
                StatusCode::UNAUTHORIZED,
                "signed-out",
                "Nobody is signed in",
                "The session that began this is over. Sign in and start again.",
            ),
            RegisterError::TooMany => Self::new(
                StatusCode::CONFLICT,
                "too-many-passkeys",
                "That's enough passkeys",
                "An account has 30 passkeys at most. Remove one that you don't use.",
            ),
            RegisterError::Pending(error) => error.into(),
            RegisterError::Database(error) => error.into(),
            RegisterError::Ephemeral(error) => error.into(),
        }
    }
}

impl From<SetUpError> for Problem {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Completed | SetUpError::Gone => link_gone(),
            SetUpError::UsernameTaken => username_taken(),
            SetUpError::Database(error) => error.into(),
        }
    }
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Unknown | JoinError::Used | JoinError::Expired | JoinError::NotActive => {
                tracing::info!(reason = %error, "a link is refused");
                link_gone()
            }
            JoinError::UsernameTaken => username_taken(),
            JoinError::UsernameMissing => Self::invalid_field("username", "is needed here"),
            JoinError::Database(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::CeremonyGone(reason) => ceremony_gone(reason),
            LoginError::PasskeyUnknown => {
                tracing::info!(reason = "passkey-unknown", "a passkey is refused");
                Self::new(
                    StatusCode::UNAUTHORIZED,
                    "passkey-unknown",
                    "That passkey isn't registered here",
                    "Use another passkey, or ask your administrator for a new link.",
                )
            }
            LoginError::Refused(reason) => passkey_refused(StatusCode::UNAUTHORIZED, &reason),
            LoginError::Suspended => {
                tracing::info!(reason = "suspended", "a sign-in is refused");
                Self::new(
                    StatusCode::FORBIDDEN,
                    "account-suspended",
                    "This account is locked",
                    "This account is locked. Ask your administrator.",
                )
            }
            LoginError::Database(error) => error.into(),
            LoginError::Ephemeral(error) => error.into(),
        }
    }
}

impl From<StepUpError> for Problem {
    fn from(error: StepUpError) -> Self {
        match error {
            StepUpError::Login(error) => error.into(),
            StepUpError::SessionOver => RegisterError::SessionOver.into(),
        }
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Unknown => Self::not_found(),
            ManageError::LastPasskey => Self::new(
                StatusCode::CONFLICT,
                "last-passkey",
                "This is the last passkey",
                "Without it there would be no way in. Add another passkey first.",
            ),
            ManageError::LastAdministrator(error) => error.into(),
            ManageError::NotYours => {
                Self::forbidden("Only an administrator may change an administrator.")
            }
            ManageError::Name => Self::invalid_field("name", error),
            ManageError::Pending(error) => error.into(),
            ManageError::Database(error) => error.into(),
        }
    }
}
