//! `/oauth2/authorize` and `/oauth2/authorize/{id}`: receives requests, stores those that need the user, and sends the responses.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use url::form_urlencoded;

use super::answer::{check_form, gone, host_of, send, stay};
use super::consent::{Asked, ask_account, ask_ceremony, ask_consent};
use crate::base::ids::ClientId;
use crate::base::public_client_id::PublicClientId;
use crate::base::secrets::Token;
use crate::clients::Client;
use crate::history::Actor;
use crate::oidc::Oidc;
use crate::oidc::authorize::{GrantError, ReadError};
use crate::oidc::error::{ErrorCode, Refusal};
use crate::oidc::interaction::{Answers, Before, Step};
use crate::oidc::parameters::Parameters;
use crate::oidc::path;
use crate::oidc::pending::{Pending, PendingError};
use crate::oidc::request::AuthorizationRequest;
use crate::oidc::response::{AuthorizationResponse, Outcome};
use crate::sessions::{Browser, Continuation, Destination, Sessions, SignedIn};
use crate::web::{Answer, Limits, Problem, Web, author, redirect};

/// The HTTP request, with what each of these handlers needs.
#[derive(Clone)]
struct Visit {
    http: HttpRequest,
    oidc: Oidc,
    sessions: Sessions,
    web: Web,
}

impl Visit {
    fn new(http: HttpRequest) -> Result<Self, Problem> {
        fn data<T: Clone + 'static>(http: &HttpRequest) -> Result<T, Problem> {
            let found = http.app_data::<web::Data<T>>();
            found
                .map(|data| data.get_ref().clone())
                .ok_or_else(Problem::internal)
        }
        Ok(Self {
            oidc: data(&http)?,
            sessions: data(&http)?,
            web: data(&http)?,
            http,
        })
    }

    fn answer(&self, request: &AuthorizationRequest, outcome: Outcome) -> Answer {
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
                self.oidc.note_refusal(client, &refusal).await;
                return Err(stay(&refusal));
            }
        };
        match self.oidc.read_request(&parameters).await {
            Ok(read) => Ok(Ok(read)),
            Err(ReadError::Unreturnable(refusal)) => {
                self.oidc.note_refusal(client, &refusal).await;
                Err(stay(&refusal))
            }
            Err(ReadError::Returned { to, refusal }) => {
                self.oidc.note_refusal(client, &refusal).await;
                let outcome = Outcome::Refused(refusal);
                let response = AuthorizationResponse::new(&to, outcome, self.oidc.issuer());
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
    limits: web::Data<Limits>,
    browser: Browser,
) -> Answer {
    limits.admit(&http).await?;
    let visit = Visit::new(http)?;
    let (request, client) = match visit.read(visit.http.query_string().as_bytes()).await? {
        Ok(read) => read,
        Err(answer) => return Ok(answer),
    };
    let person = SignedIn::find(&visit.http).await?;
    let answers = Answers::default();
    let before = person.as_ref().map(|person| Before::of(&person.session));
    let step = visit
        .oidc
        .next_step(&request, &client, person.as_ref(), (before, answers))
        .await?;
    // A request that can be answered immediately is never stored.
    let answer = match (step, person) {
        (Step::Refuse(refusal), _) => {
            visit.oidc.note_refused_user(client.id, &refusal).await;
            visit.answer(&request, Outcome::Refused(refusal))?
        }
        (Step::Grant, Some(person)) => {
            let outcome = grant(&visit, (&request, None), &client, &person, answers).await?;
            visit.answer(&request, outcome)?
        }
        _ => {
            let id = visit
                .oidc
                .keep(request, Some((browser.hash(), before)))
                .await?;
            redirect(&path_of(&id))
        }
    };
    Ok(browser.mark(answer))
}

/// `POST /oauth2/authorize`, from any site: it carries no session cookie, so the request is stored and the browser redirected.
pub async fn accept_posted_request(
    http: HttpRequest,
    limits: web::Data<Limits>,
    body: web::Bytes,
) -> Answer {
    limits.admit(&http).await?;
    let visit = Visit::new(http)?;
    check_form(&visit.http, &body)?;
    match visit.read(&body).await? {
        Ok((request, _)) => {
            let id = visit.oidc.keep(request, None).await?;
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
    let visit = Visit::new(http)?;
    let (id, pending) = find(&visit, &browser, &id).await?;
    let answer = go_on(&visit, &id, &pending).await?;
    Ok(browser.mark(answer))
}

/// Returns a stored request of this browser.
async fn find(visit: &Visit, browser: &Browser, id: &str) -> Result<(Token, Pending), Problem> {
    let person = SignedIn::find(&visit.http).await?;
    let now_there = person.map(|person| Before::of(&person.session));
    let found = visit
        .oidc
        .find_pending(id, browser.hash(), now_there)
        .await?;
    Ok(found)
}

/// The user's answer to a question about the request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PersonsAnswer {
    /// The user consents.
    Allow,
    /// The user does not consent.
    Deny,
    /// The user continues with the current account.
    Continue,
    /// The user switches to another account.
    Switch,
    /// The user has just reauthenticated.
    #[default]
    Proven,
}

/// The form with which all pages of the request post the answer.
#[derive(Debug, Deserialize)]
pub struct AnswerForm {
    #[serde(default)]
    answer: PersonsAnswer,
}

/// `POST /oauth2/authorize/{id}`, from Doorward's own pages only.
pub async fn answer_request(
    http: HttpRequest,
    browser: Browser,
    id: web::Path<String>,
    form: web::Form<AnswerForm>,
) -> Answer {
    let visit = Visit::new(http)?;
    let (id, pending) = find(&visit, &browser, &id).await?;
    let Some(person) = SignedIn::find(&visit.http).await? else {
        return go_on(&visit, &id, &pending).await;
    };
    let before = pending.answers;
    let answers = match form.into_inner().answer {
        PersonsAnswer::Deny => return cancel(&visit, &id, &pending).await,
        PersonsAnswer::Switch => {
            let app = destination(&visit, &pending).await?;
            let login = sign_in_path(&visit, &id, &pending, app).await?;
            return Ok(redirect(&format!("{login}&switch=1")));
        }
        PersonsAnswer::Allow => Answers {
            consented: Some(person.session.user),
            ..before
        },
        PersonsAnswer::Continue => Answers {
            chosen: Some(person.session.id),
            ..before
        },
        PersonsAnswer::Proven => before,
    };
    let pending = visit.oidc.note_answers(&id, &pending, answers).await?;
    go_on(&visit, &id, &pending).await
}

async fn cancel(visit: &Visit, id: &Token, pending: &Pending) -> Answer {
    let (_, request) = read_again(visit, pending).await?;
    visit.oidc.take_pending(id).await?;
    let refusal = Refusal::new(ErrorCode::AccessDenied, "the user denied the request");
    visit.answer(&request, Outcome::Refused(refusal))
}

/// Returns the client of a stored request, and what is left of the request under the client's current registration.
async fn read_again(
    visit: &Visit,
    pending: &Pending,
) -> Result<(Arc<Client>, AuthorizationRequest), Problem> {
    let client = visit.oidc.find_enabled(pending.request.client).await?;
    let client = client.ok_or_else(gone)?;
    let request =
        pending
            .request
            .clone()
            .under(&client, visit.oidc.issuer(), visit.oidc.claim_rules());
    Ok((client, request.ok_or_else(gone)?))
}

/// Shows the page of the next step, or sends the response.
async fn go_on(visit: &Visit, id: &Token, pending: &Pending) -> Answer {
    let (client, request) = read_again(visit, pending).await?;
    let request = &request;
    let person = SignedIn::find(&visit.http).await?;
    let step = visit
        .oidc
        .next_step(
            request,
            &client,
            person.as_ref(),
            (pending.before, pending.answers),
        )
        .await?;
    let app = || Destination {
        name: client.name.clone(),
        host: host_of(&request.to.redirect_uri),
    };
    let Some(person) = person else {
        return match step {
            Step::Refuse(refusal) => {
                visit.oidc.take_pending(id).await?;
                visit.oidc.note_refused_user(client.id, &refusal).await;
                visit.answer(request, Outcome::Refused(refusal))
            }
            Step::Join => {
                let login = sign_in_path(visit, id, pending, app()).await?;
                Ok(redirect(&login.replacen("/login", "/join", 1)))
            }
            _ => Ok(redirect(&sign_in_path(visit, id, pending, app()).await?)),
        };
    };
    let asked = Asked {
        web: &visit.web,
        http: &visit.http,
        client: &client,
        request,
        person: &person,
        action: path_of(id),
    };
    match step {
        Step::Consent => {
            let services = visit.oidc.find_services(request).await?;
            let registrar = visit.oidc.find_registrar(&client).await?;
            ask_consent(&asked, &services, registrar)
        }
        Step::ChooseAccount => ask_account(&asked),
        Step::ProveAgain => ask_ceremony(&asked),
        Step::SignIn | Step::Join => Ok(redirect(&sign_in_path(visit, id, pending, app()).await?)),
        Step::Refuse(refusal) => {
            visit.oidc.take_pending(id).await?;
            visit.oidc.note_refused_user(client.id, &refusal).await;
            visit.answer(request, Outcome::Refused(refusal))
        }
        Step::Grant => {
            let asked = (request, Some(id));
            let outcome = grant(visit, asked, &client, &person, pending.answers).await?;
            // Consumed last, when nothing else can fail: of two tabs only one responds to the app.
            visit.oidc.take_pending(id).await?;
            visit.answer(request, outcome)
        }
    }
}

async fn destination(visit: &Visit, pending: &Pending) -> Result<Destination, Problem> {
    let client = visit.oidc.find_enabled(pending.request.client).await?;
    Ok(Destination {
        name: client.ok_or_else(gone)?.name.clone(),
        host: host_of(&pending.request.to.redirect_uri),
    })
}

/// Stores a continuation, and returns the path of the sign-in page that returns to the request.
async fn sign_in_path(
    visit: &Visit,
    id: &Token,
    pending: &Pending,
    app: Destination,
) -> Result<String, Problem> {
    // Rate-limited, because anyone can cause continuations to be stored.
    let limits = visit.http.app_data::<web::Data<Limits>>();
    let limits = limits.ok_or_else(Problem::internal)?;
    limits.admit(&visit.http).await?;
    let continuation = Continuation {
        path: path_of(id),
        app: Some(app),
        login_hint: pending.request.login_hint.clone(),
    };
    let id = visit.sessions.put_continuation(&continuation).await?;
    Ok(format!("/login?continue={}", id.expose()))
}

async fn grant(
    visit: &Visit,
    asked: (&AuthorizationRequest, Option<&Token>),
    client: &Client,
    person: &SignedIn,
    answers: Answers,
) -> Result<Outcome, Problem> {
    let author = author(&visit.http, Actor::Person(person.session.user));
    let granted = visit
        .oidc
        .grant(asked, client, person, answers, author)
        .await;
    match granted {
        Ok(code) => Ok(Outcome::Code(code)),
        Err(GrantError::SessionOver) => Ok(Outcome::Refused(Refusal::new(
            ErrorCode::LoginRequired,
            "the session has ended",
        ))),
        Err(GrantError::ConsentGone) => Ok(Outcome::Refused(Refusal::new(
            ErrorCode::ConsentRequired,
            "the user has withdrawn consent",
        ))),
        Err(GrantError::ClientGone) => Err(gone()),
        Err(GrantError::Answered) => {
            tracing::info!(reason = "answered", "unknown authorization request");
            Err(gone())
        }
        Err(GrantError::Unavailable(error)) => Err(error.into()),
        Err(GrantError::Database(error)) => Err(error.into()),
    }
}

impl From<PendingError> for Problem {
    fn from(error: PendingError) -> Self {
        match error {
            PendingError::Gone(reason) => {
                tracing::info!(reason, "unknown authorization request");
                gone()
            }
            PendingError::Away(error) => error.into(),
        }
    }
}
