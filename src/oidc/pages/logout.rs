//! `/oauth2/logout` and `/oauth2/logout/{id}`: signs users out whom an app sends here.

use actix_session::Session;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use super::response::{check_form, request_gone};
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::oidc::Oidc;
use crate::oidc::error::OAuthError;
use crate::oidc::logout::LogoutRequest;
use crate::oidc::parameters::Parameters;
use crate::oidc::path;
use crate::sessions::{Cookies, Sessions, SignedIn, sign_out};
use crate::web::{
    Answer, ConfirmPage, FormActionPolicy, Frame, Problem, RateLimits, Web, app_data, author, page,
    redirect,
};

/// Where users are sent after sign-out if there is no return address.
const SIGNED_OUT: &str = "/login?notice=signed_out";

/// What is needed to end the session of a browser.
type SignOutContext = (web::Data<Sessions>, web::Data<Cookies>, Session);

async fn end_session(
    (sessions, cookies, session): &SignOutContext,
    http: &HttpRequest,
    person: &SignedIn,
    to: HttpResponse,
) -> Answer {
    let author = author(http, Actor::User(person.session.user));
    sessions.sign_out(&person.session, author).await?;
    Ok(sign_out(session, cookies, to))
}

/// Ends the session that the app proved, for a request without its cookie: from the app's server or a browser that lost it.
async fn end_hinted_session(
    sessions: &Sessions,
    http: &HttpRequest,
    request: &LogoutRequest,
) -> Result<(), Problem> {
    let Some(verified_hint) = request.verified_hint() else {
        return Ok(());
    };
    let author = author(http, Actor::Client(verified_hint.client));
    let whose = (verified_hint.user, verified_hint.client);
    sessions
        .end_by_sid(whose, verified_hint.sid, author)
        .await?;
    Ok(())
}

/// `GET /oauth2/logout`.
pub async fn read_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    limits: web::Data<RateLimits>,
    sign_out_context: SignOutContext,
) -> Answer {
    limits.check(&http).await?;
    let request = read(&oidc, http.query_string().as_bytes()).await?;
    continue_logout(&http, &oidc, &sign_out_context, &request, None).await
}

/// `POST /oauth2/logout`, from any site: it carries no session cookie, so the request is stored and the browser redirected.
pub async fn accept_posted_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    limits: web::Data<RateLimits>,
    body: web::Bytes,
) -> Answer {
    limits.check(&http).await?;
    check_form(&http, &body)?;
    let request = read(&oidc, &body).await?;
    let id = oidc.store_logout_request(&request).await?;
    Ok(redirect(&path_of(&id)))
}

/// `GET /oauth2/logout/{id}`: continues a posted request.
pub async fn resume_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    sign_out_context: SignOutContext,
    id: web::Path<String>,
) -> Answer {
    let id = Token::parse(&id).ok_or_else(request_gone)?;
    let request = oidc
        .find_logout_request(id.expose())
        .await?
        .ok_or_else(request_gone)?;
    continue_logout(&http, &oidc, &sign_out_context, &request, Some(&id)).await
}

/// `POST /oauth2/logout/{id}`, from Doorward's own page only: the user confirms the sign-out.
pub async fn confirm_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    sign_out_context: SignOutContext,
    id: web::Path<String>,
) -> Answer {
    let request = oidc
        .find_logout_request(&id)
        .await?
        .ok_or_else(request_gone)?;
    let to = match request.error {
        // The reason is shown at an address of its own, because this is the response to a form.
        Some(error) => {
            let error_page_id = oidc
                .store_logout_request(&LogoutRequest::with_error(error))
                .await?;
            redirect(&path_of(&error_page_id))
        }
        None => redirect_after_logout(&request),
    };
    match SignedIn::find(&http).await? {
        Some(person) => end_session(&sign_out_context, &http, &person, to).await,
        None => Ok(to),
    }
}

async fn read(oidc: &Oidc, encoded: &[u8]) -> Result<LogoutRequest, Problem> {
    match Parameters::parse(encoded) {
        Ok(parameters) => Ok(oidc.read_logout(&parameters).await?),
        Err(error) => {
            let error = error.refusal();
            error.log(None);
            Ok(LogoutRequest::with_error(error))
        }
    }
}

/// Signs the user out if the app proved which session it means; otherwise asks a signed-in user for confirmation. If no one is
/// signed in, ends the session that the app proved.
async fn continue_logout(
    http: &HttpRequest,
    oidc: &Oidc,
    sign_out_context: &SignOutContext,
    request: &LogoutRequest,
    id: Option<&Token>,
) -> Answer {
    let Some(person) = SignedIn::find(http).await? else {
        end_hinted_session(&sign_out_context.0, http, request).await?;
        return Ok(redirect_after_logout(request));
    };
    if oidc.needs_no_confirmation(request, &person).await? {
        let to = redirect_after_logout(request);
        return end_session(sign_out_context, http, &person, to).await;
    }
    let id = match id {
        Some(id) => id.clone(),
        None => oidc.store_logout_request(request).await?,
    };
    ask(http, &person, request, &id)
}

fn ask(http: &HttpRequest, person: &SignedIn, request: &LogoutRequest, id: &Token) -> Answer {
    let frame = Frame::new(app_data::<Web>(http)?, http, Some(person.visitor()));
    let name = person.account_state.display_name.as_str();
    let answer = page(&ConfirmPage {
        title: frame.text("logout.title").to_owned(),
        what: frame.text_with(
            "logout.what",
            &[("name", name), ("place", frame.installation_name.as_str())],
        ),
        effects: Vec::new(),
        undo: None,
        action: path_of(id),
        hidden: Vec::new(),
        version: None,
        asks_reason: false,
        option: None,
        asks_secret: false,
        problem: None,
        confirm_label: frame.text("logout.confirm").to_owned(),
        is_destructive: false,
        cancel_url: "/account".into(),
        frame,
    })?;
    let targets = request
        .post_logout_redirect
        .as_ref()
        .map_or_else(FormActionPolicy::same_origin, |post_logout_redirect| {
            FormActionPolicy::for_redirect_to(&post_logout_redirect.address())
        });
    Ok(targets.allow(answer))
}

fn path_of(id: &Token) -> String {
    format!("{}/{}", path::LOGOUT, id.expose())
}

/// Redirects the user after sign-out, or shows why they stay here.
fn redirect_after_logout(request: &LogoutRequest) -> HttpResponse {
    if let Some(error) = &request.error {
        return redirect_refused(error).error_response();
    }
    let to = request
        .post_logout_redirect
        .as_ref()
        .map(|post_logout_redirect| post_logout_redirect.address());
    HttpResponse::SeeOther()
        .insert_header((
            header::LOCATION,
            to.unwrap_or_else(|| SIGNED_OUT.to_owned()),
        ))
        .finish()
}

fn redirect_refused(error: &OAuthError) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "logout-request",
        "You've signed out",
        error.description.clone(),
    )
    .with("error", error.code.as_str())
}
