//! A page at a protected host: all that it needs comes from below `/.doorward/`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use crate::access::forward_auth::Target;
use crate::web::{Answer, Frame, Problem, Web, page_with_status};

/// Says something, and shows ways on.
#[derive(Template)]
#[template(path = "door.html")]
pub struct DoorPage {
    /// For its sentences.
    pub frame: Frame,
    /// The host.
    pub host: String,
    /// What it is about.
    pub title: String,
    /// What to do.
    pub what: String,
    /// A button that posts: its label, and where to.
    pub button: Option<(String, String)>,
    /// Ways on: label and address.
    pub links: Vec<(String, String)>,
}

impl DoorPage {
    /// The page of a text key, without ways on.
    ///
    /// # Errors
    /// `internal` when the application lacks its parts.
    pub fn new(http: &HttpRequest, host: &str, key: &str) -> Result<Self, Problem> {
        let web = http.app_data::<web::Data<Web>>();
        let frame = Frame::new(web.ok_or_else(Problem::internal)?, http, None);
        let text = |part: &str| {
            let place = frame.place.as_str();
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

    /// Shows it.
    ///
    /// # Errors
    /// `internal` when the template fails.
    pub fn show(&self, status: StatusCode) -> Answer {
        page_with_status(status, self)
    }
}

/// 403, for a person.
///
/// # Errors
/// As [`DoorPage::show`].
pub fn refused(http: &HttpRequest, target: &Target) -> Answer {
    DoorPage::not_open(http, target)?.show(StatusCode::FORBIDDEN)
}
