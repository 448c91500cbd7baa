//! Renders problem documents as pages for browsers.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use askama::Template;

use super::paths::is_api_path;
use super::{Frame, Problem, SubmittedForm, Visitor, Web};

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    title: String,
    what: String,
    /// Technical detail, for the developer of the page that sent the browser here.
    detail: Option<String>,
    request_id: Option<String>,
    back_url: Option<String>,
    /// URL at which the user for whom the page was rendered can sign in, and the text of the link.
    sign_in: Option<(String, String)>,
}

/// Middleware: renders a problem as a page if the client accepts HTML. At API paths it does so only
/// for problems with [`Problem::shown_as_page`].
pub async fn as_pages(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_for_program = is_api_path(request.path());
    let accepts_html = accepts_html(request.request());
    let response = next.call(request).await?.map_into_boxed_body();
    if !accepts_html {
        return Ok(response);
    }
    let Some(problem) = response.response().extensions().get::<Problem>().cloned() else {
        return Ok(response);
    };
    if is_for_program && !problem.as_page_everywhere {
        return Ok(response);
    }
    let body = render(response.request(), &problem);
    Ok(response.map_body(|head, _| {
        head.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("text/html; charset=utf-8"),
        );
        BoxBody::new(body)
    }))
}

fn accepts_html(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
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
        // Users who come from an app continue there with the browser's back button.
        back_url: (!problem.kind.starts_with("authorization-")).then(|| back_of(request, problem)),
        sign_in: sign_in_link_for_page_user(&frame, problem),
        frame,
    };
    page.render().unwrap_or_else(|_| problem.title.to_owned())
}

/// Returns where to continue: at the page of the outdated form, or the start page.
fn back_of(request: &HttpRequest, problem: &Problem) -> String {
    let form = SubmittedForm::of(request).filter(|_| problem.kind == "changed-since");
    form.map_or_else(|| "/".to_owned(), |form| form.page(request.path()))
}

/// Returns the sign-in link for the user for whom the page was rendered, if another user is signed in now.
fn sign_in_link_for_page_user(frame: &Frame, problem: &Problem) -> Option<(String, String)> {
    let member = |name: &str| problem.member(name).and_then(|member| member.as_str());
    let name = member("rendered_for").filter(|name| !name.is_empty())?;
    let url = member("sign_in").unwrap_or("/login?switch=1").to_owned();
    let label = frame.text_with("problem.sign_in_as", &[("name", name)]);
    Some((url, label))
}

/// Returns the title and text of the page: the UI texts of this kind or else of this status, or else those of the document.
fn sentences(frame: &Frame, problem: &Problem) -> (String, String) {
    let find = |key: &str| {
        let place = [("place", frame.installation_name.as_str())];
        frame.find_text(key).map(|_| frame.text_with(key, &place))
    };
    let of_kind = |part: &str| find(&format!("problem.{}.{part}", problem.kind));
    // A kind with its own title has its own text, or uses the detail of each occurrence.
    let has_words = of_kind("title").is_some();
    let own = |part: &str, otherwise: &str| {
        let of_status = format!("problem.{}.{part}", problem.status.as_u16());
        let of_status = || find(&of_status).filter(|_| !has_words);
        let found = of_kind(part).or_else(of_status);
        found.unwrap_or_else(|| otherwise.to_owned())
    };
    (own("title", problem.title), own("what", &problem.detail))
}

/// Returns the request ID in the log.
pub(super) fn request_id(request: &HttpRequest) -> Option<String> {
    request
        .extensions()
        .get::<tracing_actix_web::RequestId>()
        .map(ToString::to_string)
}
