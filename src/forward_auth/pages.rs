//! `/forward-auth/login`, at Doorward's own host: signs a user in, or steps the sign-in up, and redirects back
//! with a handoff code.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::ForwardAuth;
use super::sign_in_flow::{FlowError, PendingSignIn, path_of};
use crate::base::secrets::Token;
use crate::sessions::{Continuation, Destination, Sessions, SignedIn};
use crate::web::{
    Answer, FormActionPolicy, Frame, Problem, RateLimits, Visitor, Web, app_data, page, redirect,
};

crate::web::routes! {
    "/forward-auth/login" => get show_login, post answer;
}

/// Query of the page: the ID of the pending sign-in.
#[derive(Debug, Deserialize)]
struct LoginQuery {
    id: String,
    /// Present with any value if the user wants to use another account.
    switch: Option<String>,
}

/// The user's choice on the page that asks for the passkey.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UserChoice {
    /// Cancels.
    Deny,
    /// Uses another account.
    Switch,
    /// The user has just authenticated with a passkey.
    #[default]
    Reauthenticated,
}

#[derive(Debug, Deserialize)]
struct AnswerForm {
    #[serde(default)]
    answer: UserChoice,
}

/// `GET /forward-auth/login?id=…`.
async fn show_login(
    http: HttpRequest,
    forward_auth: web::Data<ForwardAuth>,
    query: web::Query<LoginQuery>,
) -> Answer {
    require_page(&http)?;
    let (id, pending) = forward_auth.find_pending(&query.id).await?;
    if query.switch.is_some() {
        return switch(&http, &id, &pending).await;
    }
    step(&http, &forward_auth, &id, &pending).await
}

/// Requires a top-level navigation: rejects frames, scripts and workers (Fetch Metadata §2.1).
fn require_page(http: &HttpRequest) -> Result<(), Problem> {
    match http.headers().get("sec-fetch-dest") {
        Some(destination) if destination.as_bytes() != b"document" => Err(Problem::forbidden(
            "This page can't be shown in a frame. Open the page you wanted in a window of its own.",
        )),
        _ => Ok(()),
    }
}

/// `POST /forward-auth/login?id=…`, accepted only from Doorward's own page.
async fn answer(
    http: HttpRequest,
    forward_auth: web::Data<ForwardAuth>,
    query: web::Query<LoginQuery>,
    form: web::Form<AnswerForm>,
) -> Answer {
    let (id, pending) = forward_auth.find_pending(&query.id).await?;
    match form.into_inner().answer {
        UserChoice::Deny => Ok(redirect("/account")),
        UserChoice::Switch => switch(&http, &id, &pending).await,
        UserChoice::Reauthenticated => step(&http, &forward_auth, &id, &pending).await,
    }
}

/// Redirects to the sign-in for another account. The user may also keep the current one.
async fn switch(http: &HttpRequest, id: &Token, pending: &PendingSignIn) -> Answer {
    let login = sign_in_path(http, id, pending).await?;
    Ok(redirect(&format!("{login}&switch=1")))
}

async fn step(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    id: &Token,
    pending: &PendingSignIn,
) -> Answer {
    let Some(person) = SignedIn::find(http).await? else {
        return Ok(redirect(&sign_in_path(http, id, pending).await?));
    };
    if forward_auth.meets_requirement(pending, &person) {
        return Ok(redirect(&forward_auth.issue(id, pending, &person).await?));
    }
    ask_for_passkey(http, forward_auth, id, (pending, &person))
}

/// Returns the path of the sign-in page, which continues here afterwards. Signed-out visitors can cause this write, so
/// it is rate-limited.
async fn sign_in_path(
    http: &HttpRequest,
    id: &Token,
    pending: &PendingSignIn,
) -> Result<String, Problem> {
    app_data::<RateLimits>(http)?.check(http).await?;
    let continuation = Continuation {
        path: path_of(id),
        app: Some(Destination {
            name: pending.host.clone(),
            host: pending.host.clone(),
        }),
        login_hint: None,
    };
    let sessions = app_data::<Sessions>(http)?;
    let id = sessions.put_continuation(&continuation).await?;
    Ok(format!("/login?continue={}", id.expose()))
}

struct AppPart {
    name: String,
    host: String,
}

#[derive(Template)]
#[template(path = "reauthenticate.html")]
struct ReauthenticatePage {
    frame: Frame,
    title: String,
    app: AppPart,
    visitor: Visitor,
    asks_stronger: bool,
    action: String,
}

/// Shows the page that asks for the passkey again, because a policy requires a more recent or stronger sign-in. The passkey is
/// requested only after the user clicks, never by a redirect.
fn ask_for_passkey(
    http: &HttpRequest,
    forward_auth: &ForwardAuth,
    id: &Token,
    (pending, person): (&PendingSignIn, &SignedIn),
) -> Answer {
    let frame = Frame::new(app_data::<Web>(http)?, http, Some(person.visitor()));
    let host = pending.host.clone();
    let back = forward_auth.routes.host(&host).ok_or_else(gone)?.origin();
    let answer = page(&ReauthenticatePage {
        title: frame.text_with("reauthenticate.title", &[("app", host.as_str())]),
        app: AppPart {
            name: host.clone(),
            host,
        },
        visitor: person.visitor(),
        asks_stronger: !pending.has_required_acr(&person.session),
        action: path_of(id),
        frame,
    })?;
    Ok(FormActionPolicy::for_redirect_to(&back).allow(answer))
}

fn gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "authorization-gone",
        "This sign-in request has expired",
        "It was already completed, or took too long. Go back to the page you wanted to open and try again.",
    )
}

impl From<FlowError> for Problem {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Gone(reason) => {
                tracing::info!(reason, "unknown forward-auth request");
                gone()
            }
            FlowError::Unavailable(error) => error.into(),
        }
    }
}
