//! Turns a problem document into a page where a person asked for one.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use askama::Template;

use super::guards::FOR_OTHER_HOSTS;
use super::{Frame, Problem, Visitor, Web};

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    title: String,
    what: String,
    /// What helps whoever made the page that led here.
    detail: Option<String>,
    request_id: Option<String>,
    back_url: Option<String>,
}

/// Middleware: a problem becomes a page when the request is a person's (their browser wants HTML, and the address is
/// none of the programming interfaces).
///
/// # Errors
/// Those of the inner service.
pub async fn as_pages(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let wants_page = wants_page(request.request());
    let response = next.call(request).await?.map_into_boxed_body();
    if !wants_page {
        return Ok(response);
    }
    let Some(problem) = response.response().extensions().get::<Problem>().cloned() else {
        return Ok(response);
    };
    let body = render(response.request(), &problem);
    Ok(response.map_body(|head, _| {
        head.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("text/html; charset=utf-8"),
        );
        BoxBody::new(body)
    }))
}

fn wants_page(request: &HttpRequest) -> bool {
    let path = request.path();
    let is_interface = ["/v1/", "/webauthn/", "/.well-known/", "/assets/"]
        .iter()
        .chain(&FOR_OTHER_HOSTS)
        .any(|prefix| path.starts_with(prefix))
        || path == "/forward-auth";
    let accepts_html = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    accepts_html && !is_interface
}

fn render(request: &HttpRequest, problem: &Problem) -> String {
    let Some(web) = request.app_data::<web::Data<Web>>() else {
        return problem.title.to_owned();
    };
    let visitor = request.extensions().get::<Visitor>().cloned();
    let frame = Frame::new(web, request, visitor);
    let (title, what) = sentences(&frame, problem);
    let label = frame.find_text(&format!("problem.{}.detail", problem.kind));
    let page = ProblemPage {
        title,
        what,
        detail: label.map(|label| format!("{label} {}", problem.detail)),
        request_id: problem
            .status
            .is_server_error()
            .then(|| request_id(request))
            .flatten(),
        // Who comes from an app wanted nothing here: the browser's own way back is the right one.
        back_url: (!problem.kind.starts_with("authorization-")).then(|| "/".into()),
        frame,
    };
    page.render().unwrap_or_else(|_| problem.title.to_owned())
}

/// What a person reads: the page's own words where there are some for this kind or else this status, else the document's.
fn sentences(frame: &Frame, problem: &Problem) -> (String, String) {
    let own = |part: &str, otherwise: &str| {
        let status = problem.status.as_u16();
        [
            format!("problem.{}.{part}", problem.kind),
            format!("problem.{status}.{part}"),
        ]
        .iter()
        .find_map(|key| frame.find_text(key))
        .unwrap_or(otherwise)
        .to_owned()
    };
    (own("title", problem.title), own("what", &problem.detail))
}

/// The id under which the log tells of this request.
pub(super) fn request_id(request: &HttpRequest) -> Option<String> {
    request
        .extensions()
        .get::<tracing_actix_web::RequestId>()
        .map(ToString::to_string)
}
