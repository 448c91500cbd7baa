//! `/oauth2/authorize` and `/oauth2/authorize/{id}`: receives requests, stores those that need the user, and sends the responses.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use url::form_urlencoded;

use super::consent::{InteractionPage, ask_account, ask_consent, ask_reauthentication};
use super::response::{check_form, error_page, host_of, request_gone, send};
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::base::secrets::Token;
use crate::clients::Client;
use crate::history::Actor;
use crate::oidc::Oidc;
use crate::oidc::authorize::{GrantError, ReadError};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::interaction::{NextStep, SessionSnapshot, UserAnswers};
use crate::oidc::parameters::Parameters;
use crate::oidc::path;
use crate::oidc::pending::PendingRequest;
use crate::oidc::request::AuthorizationRequest;
use crate::oidc::response::AuthorizationResponse;
use crate::sessions::{Browser, Continuation, Destination, Sessions, SignedIn};
use crate::web::{Answer, Problem, RateLimits, Web, app_data, author, redirect};

/// The HTTP request, with what each of these handlers needs.
#[derive(Clone)]
struct RequestContext {
    http: HttpRequest,
    oidc: Oidc,
    sessions: Sessions,
    web: Web,
}

impl RequestContext {
    fn new(http: HttpRequest) -> Result<Self, Problem> {
        fn data<T: Clone + 'static>(http: &HttpRequest) -> Result<T, Problem> {
            Ok(app_data::<T>(http)?.get_ref().clone())
        }
        Ok(Self {
            oidc: data(&http)?,
            sessions: data(&http)?,
            web: data(&http)?,
            http,
        })
    }

    fn answer(&self, request: &AuthorizationRequest, outcome: Result<Token, OAuthError>) -> Answer {
        let response = AuthorizationResponse::new(&request.to, outcome, self.oidc.issuer());
        send(&self.web, &self.http, response)
    }

    /// Validates a request. The inner `Err` is the response that returns an error to the app.
    async fn read(
        &self,
        encoded: &[u8],
    ) -> Result<Result<(AuthorizationRequest, Arc<Client>), HttpResponse>, Problem> {
        let client = client_of(encoded);
        let parameters = match Parameters::parse(encoded) {
            Ok(parameters) => parameters,
            Err(fault) => {
                let refusal = fault.refusal();
                self.oidc.record_refusal(client, &refusal).await;
                return Err(error_page(&refusal));
            }
        };
        match self.oidc.read_request(&parameters).await {
            Ok(read) => Ok(Ok(read)),
            Err(ReadError::NotRedirectable(refusal)) => {
                self.oidc.record_refusal(client, &refusal).await;
                Err(error_page(&refusal))
            }
            Err(ReadError::Redirectable { to, refusal }) => {
                self.oidc.record_refusal(client, &refusal).await;
                let response = AuthorizationResponse::new(&to, Err(refusal), self.oidc.issuer());
                send(&self.web, &self.http, response).map(Err)
            }
            Err(ReadError::Unavailable(error)) => Err(error.into()),
        }
    }
}

/// Returns the client that a request names, even if the other parameters can't be parsed.
fn client_of(encoded: &[u8]) -> Option<ClientId> {
    let mut parameters = form_urlencoded::parse(encoded);
    let (_, id) = parameters.find(|(name, _)| name == "client_id")?;
    Some(PublicClientId::parse(&id)?.id())
}

/// `GET /oauth2/authorize`.
pub async fn read_request(
    http: HttpRequest,
    limits: web::Data<RateLimits>,
    browser: Browser,
) -> Answer {
    limits.check(&http).await?;
    let context = RequestContext::new(http)?;
    let (request, client) = match context.read(context.http.query_string().as_bytes()).await? {
        Ok(read) => read,
        Err(answer) => return Ok(answer),
    };
    let person = SignedIn::find(&context.http).await?;
    let answers = UserAnswers::default();
    let initial_session = person
        .as_ref()
        .map(|person| SessionSnapshot::of(&person.session));
    let step = context
        .oidc
        .next_step(
            &request,
            &client,
            person.as_ref(),
            (initial_session, answers),
        )
        .await?;
    // A request that can be answered immediately is never stored.
    let answer = match (step, person) {
        (NextStep::Refuse(refusal), _) => {
            context.oidc.record_refused_user(client.id, &refusal).await;
            context.answer(&request, Err(refusal))?
        }
        (NextStep::Grant, Some(person)) => {
            let outcome = grant(&context, (&request, None), &client, &person, answers).await?;
            context.answer(&request, outcome)?
        }
        _ => {
            let id = context
                .oidc
                .store_pending(request, Some((browser.hash(), initial_session)))
                .await?;
            redirect(&path_of(&id))
        }
    };
    Ok(browser.set_cookie(answer))
}

/// `POST /oauth2/authorize`, from any site: it carries no session cookie, so the request is stored and the browser redirected.
pub async fn accept_posted_request(
    http: HttpRequest,
    limits: web::Data<RateLimits>,
    body: web::Bytes,
) -> Answer {
    limits.check(&http).await?;
    let context = RequestContext::new(http)?;
    check_form(&context.http, &body)?;
    match context.read(&body).await? {
        Ok((request, _)) => {
            let id = context.oidc.store_pending(request, None).await?;
            Ok(redirect(&path_of(&id)))
        }
        Err(answer) => Ok(answer),
    }
}

fn path_of(id: &Token) -> String {
    format!("{}/{}", path::AUTHORIZE, id.expose())
}

/// `GET /oauth2/authorize/{id}`: continues a stored request.
pub async fn resume_request(http: HttpRequest, browser: Browser, id: web::Path<String>) -> Answer {
    let context = RequestContext::new(http)?;
    let (id, pending) = find(&context, &browser, &id).await?;
    let answer = continue_request(&context, &id, &pending).await?;
    Ok(browser.set_cookie(answer))
}

/// Returns a stored request of this browser.
async fn find(
    context: &RequestContext,
    browser: &Browser,
    id: &str,
) -> Result<(Token, PendingRequest), Problem> {
    let person = SignedIn::find(&context.http).await?;
    let current_session = person.map(|person| SessionSnapshot::of(&person.session));
    let found = context
        .oidc
        .find_pending(id, browser.hash(), current_session)
        .await?;
    Ok(found)
}

/// The user's answer to a question about the request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum InteractionAnswer {
    Allow,
    Deny,
    /// The user continues with the current account.
    Continue,
    /// The user switches to another account.
    Switch,
    /// No answer yet. Whether the user has reauthenticated is read from the session.
    #[default]
    Reauthenticated,
}

/// The form with which all pages of the request post the answer.
#[derive(Debug, Deserialize)]
pub struct AnswerForm {
    #[serde(default)]
    answer: InteractionAnswer,
}

/// `POST /oauth2/authorize/{id}`, from Doorward's own pages only.
pub async fn answer_request(
    http: HttpRequest,
    browser: Browser,
    id: web::Path<String>,
    form: web::Form<AnswerForm>,
) -> Answer {
    let context = RequestContext::new(http)?;
    let (id, pending) = find(&context, &browser, &id).await?;
    let Some(person) = SignedIn::find(&context.http).await? else {
        return continue_request(&context, &id, &pending).await;
    };
    let before = pending.answers;
    let answers = match form.into_inner().answer {
        InteractionAnswer::Deny => return cancel(&context, &id, &pending).await,
        InteractionAnswer::Switch => {
            let client = context.oidc.find_enabled(pending.request.client).await?;
            let client = client.ok_or_else(request_gone)?;
            let app = destination(&client, &pending.request);
            let login = sign_in_path(&context, &id, &pending, app).await?;
            return Ok(redirect(&format!("{login}&switch=1")));
        }
        InteractionAnswer::Allow => UserAnswers {
            consented: Some(person.session.user),
            ..before
        },
        InteractionAnswer::Continue => UserAnswers {
            chosen: Some(person.session.id),
            ..before
        },
        InteractionAnswer::Reauthenticated => before,
    };
    let pending = context.oidc.store_answers(&id, &pending, answers).await?;
    continue_request(&context, &id, &pending).await
}

async fn cancel(context: &RequestContext, id: &Token, pending: &PendingRequest) -> Answer {
    let (_, request) = reload_request(context, pending).await?;
    context.oidc.take_pending(id).await?;
    let refusal = OAuthError::new(ErrorCode::AccessDenied, "the user denied the request");
    context.answer(&request, Err(refusal))
}

/// Returns the client of a stored request, and what is left of the request under the client's current registration.
async fn reload_request(
    context: &RequestContext,
    pending: &PendingRequest,
) -> Result<(Arc<Client>, AuthorizationRequest), Problem> {
    let client = context.oidc.find_enabled(pending.request.client).await?;
    let client = client.ok_or_else(request_gone)?;
    let request = pending.request.clone().restrict_to(
        &client,
        context.oidc.issuer(),
        context.oidc.claim_rules(),
    );
    Ok((client, request.ok_or_else(request_gone)?))
}

/// Shows the page of the next step, or sends the response.
async fn continue_request(
    context: &RequestContext,
    id: &Token,
    pending: &PendingRequest,
) -> Answer {
    let (client, request) = reload_request(context, pending).await?;
    let request = &request;
    let person = SignedIn::find(&context.http).await?;
    let step = context
        .oidc
        .next_step(
            request,
            &client,
            person.as_ref(),
            (pending.initial_session, pending.answers),
        )
        .await?;
    let interaction = |person| InteractionPage {
        web: &context.web,
        http: &context.http,
        client: &client,
        request,
        person,
        action: path_of(id),
    };
    match (step, &person) {
        (NextStep::Refuse(refusal), _) => {
            context.oidc.take_pending(id).await?;
            context.oidc.record_refused_user(client.id, &refusal).await;
            context.answer(request, Err(refusal))
        }
        (NextStep::Consent, Some(person)) => {
            let services = context.oidc.find_resource_servers(request).await?;
            let registrar = context.oidc.find_registrar(&client).await?;
            ask_consent(&interaction(person), &services, registrar)
        }
        (NextStep::ChooseAccount, Some(person)) => ask_account(&interaction(person)),
        (NextStep::Reauthenticate, Some(person)) => ask_reauthentication(&interaction(person)),
        (NextStep::Grant, Some(person)) => {
            let request_and_id = (request, Some(id));
            let outcome = grant(context, request_and_id, &client, person, pending.answers).await?;
            // Consumed last, when nothing else can fail: of two tabs only one responds to the app.
            context.oidc.take_pending(id).await?;
            context.answer(request, outcome)
        }
        (step, person) => {
            let app = destination(&client, request);
            let login = sign_in_path(context, id, pending, app).await?;
            Ok(redirect(&match (step, person) {
                (NextStep::Join, None) => login.replacen("/login", "/join", 1),
                _ => login,
            }))
        }
    }
}

/// Returns the app that the user signs in to.
fn destination(client: &Client, request: &AuthorizationRequest) -> Destination {
    Destination {
        name: client.name.clone(),
        host: host_of(&request.to.redirect_uri),
    }
}

/// Stores a continuation, and returns the path of the sign-in page that returns to the request.
async fn sign_in_path(
    context: &RequestContext,
    id: &Token,
    pending: &PendingRequest,
    app: Destination,
) -> Result<String, Problem> {
    // Rate-limited, because anyone can cause continuations to be stored.
    let limits = app_data::<RateLimits>(&context.http)?;
    limits.check(&context.http).await?;
    let continuation = Continuation {
        path: path_of(id),
        app: Some(app),
        login_hint: pending.request.login_hint.clone(),
    };
    let id = context.sessions.put_continuation(&continuation).await?;
    Ok(format!("/login?continue={}", id.expose()))
}

async fn grant(
    context: &RequestContext,
    request_and_id: (&AuthorizationRequest, Option<&Token>),
    client: &Client,
    person: &SignedIn,
    answers: UserAnswers,
) -> Result<Result<Token, OAuthError>, Problem> {
    let author = author(&context.http, Actor::User(person.session.user));
    let granted = context
        .oidc
        .grant(request_and_id, client, person, answers, author)
        .await;
    match granted {
        Ok(code) => Ok(Ok(code)),
        Err(GrantError::SessionOver) => Ok(Err(OAuthError::new(
            ErrorCode::LoginRequired,
            "the session has ended",
        ))),
        Err(GrantError::ConsentMissing) => Ok(Err(OAuthError::new(
            ErrorCode::ConsentRequired,
            "the user's consent does not cover the request",
        ))),
        Err(GrantError::ClientGone) => Err(request_gone()),
        Err(GrantError::Answered) => {
            tracing::info!(reason = "answered", "unknown authorization request");
            Err(request_gone())
        }
        Err(GrantError::Unavailable(error)) => Err(error.into()),
        Err(GrantError::Database(error)) => Err(error.into()),
    }
}
