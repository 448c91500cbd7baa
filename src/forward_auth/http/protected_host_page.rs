//! The pages at a protected host. All their resources are below `/.doorward/`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use crate::forward_auth::Target;
use crate::web::{Answer, Frame, Problem, Web, page_with_status};

/// A message with links and at most one button.
#[derive(Template)]
#[template(path = "protected_host.html")]
pub struct ProtectedHostPage {
    /// Frame of the page, which provides the translated texts.
    pub frame: Frame,
    /// Authority of the protected host.
    pub host: String,
    /// Title of the page.
    pub title: String,
    /// Text of the message.
    pub what: String,
    /// Label and target of a button that sends a POST request.
    pub button: Option<(String, String)>,
    /// Label and address of each link.
    pub links: Vec<(String, String)>,
}

impl ProtectedHostPage {
    /// Builds the page from the texts under a key, without links. Fails with `internal` if the application data is missing.
    pub fn new(http: &HttpRequest, host: &str, key: &str) -> Result<Self, Problem> {
        let web = http.app_data::<web::Data<Web>>();
        let frame = Frame::new(web.ok_or_else(Problem::internal)?, http, None);
        let text = |part: &str| {
            let place = frame.installation_name.as_str();
            frame.text_with(
                &format!("{key}.{part}"),
                &[("host", host), ("place", place)],
            )
        };
        Ok(Self {
            host: host.to_owned(),
            title: text("title"),
            what: text("what"),
            button: None,
            links: Vec::new(),
            frame,
        })
    }

    /// Renders the page. Fails with `internal` if the template fails.
    pub fn show(&self, status: StatusCode) -> Answer {
        page_with_status(status, self)
    }
}

/// Responds with 403 and a page.
pub fn refused(http: &HttpRequest, target: &Target) -> Answer {
    ProtectedHostPage::denied(http, target)?.show(StatusCode::FORBIDDEN)
}
