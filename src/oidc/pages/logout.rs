//! `/oauth2/logout` and `/oauth2/logout/{id}`: signs users out whom an app sends here.

use actix_session::Session;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use super::answer::{check_form, gone};
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::oidc::Oidc;
use crate::oidc::error::Refusal;
use crate::oidc::logout::LogoutRequest;
use crate::oidc::parameters::Parameters;
use crate::oidc::path;
use crate::sessions::{Cookies, Sessions, SignedIn, sign_out};
use crate::web::{
    Answer, ConfirmPage, FormTargets, Frame, Limits, Problem, Web, author, page, redirect,
};

/// Where users are sent after sign-out if there is no return address.
const SIGNED_OUT: &str = "/login?notice=signed_out";

/// Extractor: what is needed to end the session of a browser.
#[derive(Clone)]
pub struct Leaving {
    sessions: web::Data<Sessions>,
    cookies: web::Data<Cookies>,
    session: Session,
}

impl actix_web::FromRequest for Leaving {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(http: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        use actix_session::SessionExt;
        let found = http
            .app_data::<web::Data<Sessions>>()
            .zip(http.app_data::<web::Data<Cookies>>());
        std::future::ready(match found {
            Some((sessions, cookies)) => Ok(Self {
                sessions: sessions.clone(),
                cookies: cookies.clone(),
                session: http.get_session(),
            }),
            None => Err(Problem::internal()),
        })
    }
}

impl Leaving {
    async fn leave(&self, http: &HttpRequest, person: &SignedIn, to: HttpResponse) -> Answer {
        let author = author(http, Actor::Person(person.session.user));
        self.sessions.leave(&person.session, author).await?;
        Ok(sign_out(&self.session, &self.cookies, to))
    }

    /// Ends the session that the app proved, for a request without its cookie: from the app's server or a browser that lost it.
    async fn end_named(&self, http: &HttpRequest, request: &LogoutRequest) -> Result<(), Problem> {
        let Some(proof) = request.proof() else {
            return Ok(());
        };
        let author = author(http, Actor::Client(proof.client));
        let whose = (proof.user, proof.client);
        self.sessions.end_by_sid(whose, proof.sid, author).await?;
        Ok(())
    }
}

/// `GET /oauth2/logout`.
pub async fn read_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    limits: web::Data<Limits>,
    leaving: Leaving,
) -> Answer {
    limits.admit(&http).await?;
    let request = read(&oidc, http.query_string().as_bytes()).await?;
    go_on(&http, &oidc, &leaving, &request, None).await
}

/// `POST /oauth2/logout`, from any site: it carries no session cookie, so the request is stored and the browser redirected.
pub async fn accept_posted_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    limits: web::Data<Limits>,
    body: web::Bytes,
) -> Answer {
    limits.admit(&http).await?;
    check_form(&http, &body)?;
    let request = read(&oidc, &body).await?;
    let id = oidc.keep_logout(&request).await?;
    Ok(redirect(&path_of(&id)))
}

/// `GET /oauth2/logout/{id}`: continues a posted request.
pub async fn resume_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    leaving: Leaving,
    id: web::Path<String>,
) -> Answer {
    let id = Token::parse(&id).ok_or_else(gone)?;
    let request = oidc.find_logout(id.expose()).await?.ok_or_else(gone)?;
    go_on(&http, &oidc, &leaving, &request, Some(&id)).await
}

/// `POST /oauth2/logout/{id}`, from Doorward's own page only: the user confirms the sign-out.
pub async fn confirm_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    leaving: Leaving,
    id: web::Path<String>,
) -> Answer {
    let request = oidc.find_logout(&id).await?.ok_or_else(gone)?;
    let to = match request.fault {
        // The reason is shown at an address of its own, because this is the response to a form.
        Some(fault) => {
            let told = oidc.keep_logout(&LogoutRequest::faulty(fault)).await?;
            redirect(&path_of(&told))
        }
        None => away(&request),
    };
    match SignedIn::find(&http).await? {
        Some(person) => leaving.leave(&http, &person, to).await,
        None => Ok(to),
    }
}

async fn read(oidc: &Oidc, encoded: &[u8]) -> Result<LogoutRequest, Problem> {
    match Parameters::parse(encoded) {
        Ok(parameters) => Ok(oidc.read_logout(&parameters).await?),
        Err(fault) => {
            let fault = fault.refusal();
            fault.log(None);
            Ok(LogoutRequest::faulty(fault))
        }
    }
}

/// Signs the user out if the app proved which session it means; otherwise asks for confirmation.
async fn go_on(
    http: &HttpRequest,
    oidc: &Oidc,
    leaving: &Leaving,
    request: &LogoutRequest,
    id: Option<&Token>,
) -> Answer {
    let Some(person) = SignedIn::find(http).await? else {
        leaving.end_named(http, request).await?;
        return Ok(away(request));
    };
    if oidc.is_certain(request, &person).await? {
        return leaving.leave(http, &person, away(request)).await;
    }
    let id = match id {
        Some(id) => id.clone(),
        None => oidc.keep_logout(request).await?,
    };
    ask(http, &person, request, &id)
}

fn ask(http: &HttpRequest, person: &SignedIn, request: &LogoutRequest, id: &Token) -> Answer {
    let web = http.app_data::<web::Data<Web>>();
    let web = web.ok_or_else(Problem::internal)?;
    let frame = Frame::new(web, http, Some(person.visitor()));
    let name = person.standing.display_name.as_str();
    let answer = page(&ConfirmPage {
        title: frame.text("logout.title").to_owned(),
        what: frame.text_with(
            "logout.what",
            &[("name", name), ("place", frame.place.as_str())],
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
        .back
        .as_ref()
        .map_or_else(FormTargets::here, |back| {
            FormTargets::onward(&back.address())
        });
    Ok(targets.allow(answer))
}

fn path_of(id: &Token) -> String {
    format!("{}/{}", path::LOGOUT, id.expose())
}

/// Redirects the user after sign-out, or shows why they stay here.
fn away(request: &LogoutRequest) -> HttpResponse {
    if let Some(fault) = &request.fault {
        return not_sent_back(fault).error_response();
    }
    let to = request.back.as_ref().map(|back| back.address());
    HttpResponse::SeeOther()
        .insert_header((
            header::LOCATION,
            to.unwrap_or_else(|| SIGNED_OUT.to_owned()),
        ))
        .finish()
}

fn not_sent_back(fault: &Refusal) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "logout-request",
        "You've signed out",
        fault.description.clone(),
    )
    .with("error", fault.code.as_str())
}
