//! Post/Redirect/Get: the response to a form is stored encrypted and served at `/results/{id}`, so that reloading or going back
//! never resubmits the form.
//!
//! A page with a one-time secret is served for five minutes to the session that created it; any other page for 30 minutes to the
//! same user in the same browser.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};

use super::page_visitor::sign_in_path;
use super::signed_in::RequestSession;
use super::stored_responses::{Reader, StoredResponse, StoredResponses};
use super::{Browser, PageAccessError, SignedIn};
use crate::web::{
    ContainsSecret, FormActionPolicy, OriginalPath, Problem, RateLimits, SkipRedirect,
    SubmittedForm,
};

/// Beginning of the store keys of responses.
const KIND: &str = "response";
/// How long a page with a one-time secret is served.
const SECRET_TTL: Duration = Duration::from_secs(300);
/// How long any other page is served.
const DEFAULT_TTL: Duration = Duration::from_secs(1800);

/// Middleware: stores a page that responds to a form, and responds with 303 to its URL instead. Client errors (4xx) are
/// redirected for browser navigations only, so that programs that post a form see the status. Server errors are never redirected.
pub async fn redirect_after_post(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    if !is_page_for_form(&response) {
        return Ok(response);
    }
    let is_once = response
        .response()
        .extensions()
        .get::<ContainsSecret>()
        .is_some();
    let Some(reader) = reader_of(response.request(), is_once).await else {
        return Ok(response);
    };
    let targets = response
        .response()
        .extensions()
        .get::<FormActionPolicy>()
        .cloned();
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.unwrap_or_default();
    let location = store(&request, &head, &body, (reader, is_once, targets)).await;
    let Some(location) = location else {
        return Ok(ServiceResponse::new(
            request,
            head.set_body(BoxBody::new(body)),
        ));
    };
    let mut response = head.set_body(BoxBody::new(()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.headers_mut().insert(header::LOCATION, location);
    Ok(ServiceResponse::new(request, response))
}

/// Stores the page and returns its URL. Returns `None` if it can't be stored; the page is then served directly.
async fn store(
    request: &HttpRequest,
    head: &HttpResponse<()>,
    body: &[u8],
    (reader, is_once, targets): (Reader, bool, Option<FormActionPolicy>),
) -> Option<header::HeaderValue> {
    let pages: &web::Data<StoredResponses> = request.app_data()?;
    let ttl = if is_once { SECRET_TTL } else { DEFAULT_TTL };
    let page = StoredResponse {
        status: head.status().as_u16(),
        body: String::from_utf8_lossy(body).into_owned(),
        targets,
        path: request.path().to_owned(),
    };
    match pages.put(KIND, &page, reader, ttl).await {
        Ok(id) => header::HeaderValue::from_str(&format!("/results/{}", id.expose())).ok(),
        Err(error) => {
            tracing::warn!(%error, "the response to a form can't be stored, so it is served directly");
            None
        }
    }
}

fn is_page_for_form(response: &ServiceResponse) -> bool {
    let request = response.request();
    if request.method() != Method::POST || SubmittedForm::of(request).is_none() {
        return false;
    }
    let answer = response.response();
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let is_direct = answer.extensions().get::<SkipRedirect>().is_some();
    let mode = request.headers().get("sec-fetch-mode");
    let is_navigation = mode.is_some_and(|mode| mode.as_bytes() == b"navigate");
    let status = answer.status();
    let is_redirected = status.is_success() || (status.is_client_error() && is_navigation);
    is_html && !is_direct && is_redirected
}

/// Returns who may read the response to a request. `None` if the browser is unknown, or if an anonymous client
/// exceeds the rate limit.
async fn reader_of(request: &HttpRequest, is_once: bool) -> Option<Reader> {
    let asked = request.extensions().get::<RequestSession>().copied();
    if let Some(asked) = asked.filter(|_| is_once) {
        return Some(Reader::Session(asked.session));
    }
    let browser = Browser::from_request(request, &mut Payload::None)
        .await
        .ok()?;
    let browser = browser.known()?;
    if let Some(asked) = asked {
        return Some(Reader::User(asked.user, browser));
    }
    let limits: &web::Data<RateLimits> = request.app_data()?;
    limits.check(request).await.ok()?;
    Some(Reader::Browser(browser))
}

// The session middleware must run before it.
crate::web::routes! {
    "/results/{id}" => get show;
}

async fn show(
    request: HttpRequest,
    pages: web::Data<StoredResponses>,
    browser: Browser,
    id: web::Path<String>,
) -> Result<HttpResponse, PageAccessError> {
    let person = SignedIn::find(&request).await?;
    let mut readers = vec![Reader::Browser(browser.hash())];
    if let Some(person) = &person {
        let session = &person.session;
        readers.push(Reader::Session(session.id));
        readers.push(Reader::User(session.user, browser.hash()));
        // If the page has expired, the error page still shows who is signed in.
        request.extensions_mut().insert(person.visitor());
    }
    let found = pages.find(KIND, &id, &readers).await;
    match found.map_err(Problem::from)? {
        Some(page) => Ok(answer(page)),
        None if person.is_none() => {
            let path = sign_in_path(&request, &browser).await?;
            Err(PageAccessError::SignInRequired { path, browser })
        }
        None => Err(Problem::new(
            StatusCode::GONE,
            "page-gone",
            "This page has expired",
            "It has expired, or belongs to another session. Start again.",
        )
        .into()),
    }
}

fn answer(page: StoredResponse) -> HttpResponse {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(page.body);
    response.extensions_mut().insert(OriginalPath(page.path));
    match page.targets {
        Some(targets) => targets.allow(response),
        None => response,
    }
}
