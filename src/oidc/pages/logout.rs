//! `/oauth2/logout` and `/oauth2/logout/{id}`: an app sends somebody here to sign out.

use actix_session::Session;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{check_form, gone, stay};
use crate::base::secrets::Token;
use crate::history::Actor;
use crate::oidc::Oidc;
use crate::oidc::discovery::path;
use crate::oidc::error::Refusal;
use crate::oidc::logout::{LogoutError, LogoutRequest};
use crate::oidc::parameters::Parameters;
use crate::sessions::{Cookies, Sessions, SignedIn, sign_out};
use crate::web::{
    Answer, ConfirmPage, FormTargets, Frame, Limits, Problem, Web, author, page, redirect,
};

/// Where people land who go nowhere else.
const SIGNED_OUT: &str = "/login?notice=signed_out";

/// What ends a session in a browser.
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

/// `POST /oauth2/logout`, from whatever site: the browser comes again by itself, with its cookie.
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

/// `GET /oauth2/logout/{id}`: on with a request that was posted.
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

/// `POST /oauth2/logout/{id}`, from our own page alone: yes.
pub async fn confirm_logout(
    http: HttpRequest,
    oidc: web::Data<Oidc>,
    leaving: Leaving,
    id: web::Path<String>,
) -> Answer {
    let request = oidc.find_logout(&id).await?.ok_or_else(gone)?;
    let to = away(&request);
    match SignedIn::find(&http).await? {
        Some(person) => leaving.leave(&http, &person, to).await,
        None => Ok(to),
    }
}

async fn read(oidc: &Oidc, encoded: &[u8]) -> Result<LogoutRequest, Problem> {
    let parameters = Parameters::parse(encoded)
        .map_err(|fault| stay(&Refusal::invalid_request(fault.to_string())))?;
    match oidc.read_logout(&parameters).await {
        Ok(request) => Ok(request),
        Err(LogoutError::Refused(refusal)) => Err(stay(&refusal)),
        Err(LogoutError::Unavailable(error)) => Err(error.into()),
    }
}

/// Signs out where the app proved whom it speaks of, asks otherwise.
async fn go_on(
    http: &HttpRequest,
    oidc: &Oidc,
    leaving: &Leaving,
    request: &LogoutRequest,
    id: Option<&Token>,
) -> Answer {
    let Some(person) = SignedIn::find(http).await? else {
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
        what: frame.text_with("logout.what", &[("name", name)]),
        effects: Vec::new(),
        undo: None,
        action: path_of(id),
        hidden: Vec::new(),
        version: None,
        asks_reason: false,
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

fn away(request: &LogoutRequest) -> HttpResponse {
    let to = request.back.as_ref().map(|back| back.address());
    HttpResponse::SeeOther()
        .insert_header((
            header::LOCATION,
            to.unwrap_or_else(|| SIGNED_OUT.to_owned()),
        ))
        .finish()
}
