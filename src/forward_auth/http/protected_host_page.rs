//! The pages at a protected host. All their resources are below `/.doorward/`.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use askama::Template;

use crate::forward_auth::Target;
use crate::web::{Answer, Frame, Problem, Web, app_data, page_with_status};

/// A message with links and at most one button.
#[derive(Template)]
#[template(path = "protected_host.html")]
pub struct ProtectedHostPage {
    /// Frame of the page, which provides the translated texts.
    pub frame: Frame,
    pub host: String,
    pub title: String,
    pub what: String,
    /// Label and target of a button that sends a POST request.
    pub button: Option<(String, String)>,
    /// Label and address of each link.
    pub links: Vec<(String, String)>,
}

impl ProtectedHostPage {
    /// Builds the page from the texts under a key, without links. Fails with `internal` if the application data is missing.
    pub fn new(http: &HttpRequest, host: &str, key: &str) -> Result<Self, Problem> {
        let frame = Frame::new(app_data::<Web>(http)?, http, None);
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
