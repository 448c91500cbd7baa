//! The frame around every page.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Serialize;

use super::{Answer, Moment, Problem, SentForm, Web, asset_url, text};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;

/// Who looks at the page.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// ID of the user.
    pub user: UserId,
    /// Display name.
    pub display_name: String,
    /// Username.
    pub username: String,
    /// Whether the whole console is shown.
    pub is_administrator: bool,
    /// Whether a role of theirs lets them manage people: then they see that part of the console.
    pub manages_people: bool,
    /// Whether a role of theirs lets them manage grants on things: then they see that part of the console.
    pub manages_grants: bool,
}

/// What every page needs: the place's name, who looks, the texts and the assets.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The name of this place.
    pub place: String,
    /// Its host.
    pub place_host: String,
    /// Its public URL, without a path.
    pub public_url: String,
    /// Who is signed in, if anybody.
    pub signed_in: Option<Visitor>,
    /// The path of this page.
    pub path: String,
    /// Names and values of the form that this page responds to, for a page that submits it again.
    pub sent: Vec<(String, String)>,
    /// A form that this user submitted after their session had ended, to be filled in again.
    pub restored: Option<RestoredForm>,
}

/// A form to be filled in again with what was typed.
#[derive(Clone, Debug, Serialize)]
pub struct RestoredForm {
    /// Path that the form is posted to.
    pub action: String,
    /// Names and values of its fields.
    pub fields: Vec<(String, String)>,
    /// What the page says about it.
    pub notice: &'static str,
}

impl RestoredForm {
    /// As JSON that is safe in a `<script>` data block.
    pub fn json(&self) -> String {
        text::script_json(self)
    }
}

impl Frame {
    /// For the answer to `request`.
    pub fn new(web: &Web, request: &HttpRequest, signed_in: Option<Visitor>) -> Self {
        Self {
            place: web.place.to_string(),
            place_host: web.public_url().host().to_owned(),
            public_url: web.public_url().as_str().to_owned(),
            signed_in,
            path: request.path().to_owned(),
            sent: SentForm::of(request).map_or_else(Vec::new, |form| form.fields()),
            restored: None,
        }
    }

    /// A frame for unit tests of pages.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            place: "Here".into(),
            place_host: "localhost".into(),
            public_url: "http://localhost".into(),
            signed_in: None,
            path: "/admin".into(),
            sent: Vec::new(),
            restored: None,
        }
    }

    /// Whether an administrator looks at the page.
    pub fn is_administrator(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|visitor| visitor.is_administrator)
    }

    /// Whether the console has a part for people to whoever looks at the page.
    pub fn shows_people(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|visitor| visitor.is_administrator || visitor.manages_people)
    }

    /// Whether the console has a part for things to whoever looks at the page.
    pub fn shows_things(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|visitor| visitor.is_administrator || visitor.manages_grants)
    }

    /// A sentence by its key.
    pub fn text<'a>(&self, key: &'a str) -> &'a str {
        text::text(key)
    }

    /// A sentence by a key that may have none.
    pub fn find_text(&self, key: &str) -> Option<&'static str> {
        text::find_text(key)
    }

    /// A sentence with `{name}` filled in.
    pub fn text_with(&self, key: &str, values: &[(&str, &str)]) -> String {
        text::text_with(key, values)
    }

    /// The text of `{prefix}.{name}`, or `name` itself if there is none.
    pub fn label<'a>(&self, prefix: &str, name: &'a str) -> &'a str {
        text::find_text(&format!("{prefix}.{name}")).unwrap_or(name)
    }

    /// The label of a detail of an audit event; the settings of a client have those of their form.
    pub fn detail_label<'a>(&self, name: &'a str) -> &'a str {
        let known = |prefix: &str| text::find_text(&format!("{prefix}.{name}"));
        let label = known("audit_detail").or_else(|| known("client_field"));
        label.unwrap_or(name)
    }

    /// The instant that a detail of an audit event holds, if it holds one.
    pub fn instant(&self, value: &str) -> Option<Moment> {
        Timestamp::parse(value).map(Moment::from)
    }

    /// A sentence that counts: the one of `{key}.one` or `{key}.other`, with `{count}` filled in.
    pub fn text_counted(&self, key: &str, count: usize) -> String {
        let form = if count == 1 { "one" } else { "other" };
        text::text_with(
            &format!("{key}.{form}"),
            &[("count", count.to_string().as_str())],
        )
    }

    /// The text key of a notice that an address names; `None` for a name that no sentence has.
    pub fn notice(&self, prefix: &str, name: Option<&str>) -> Option<String> {
        let key = format!("{prefix}.{}", name?);
        text::find_text(&key).is_some().then_some(key)
    }

    /// The texts whose keys begin with `prefix`, for a page's script, with this place's name and public URL filled in.
    pub fn texts_json(&self, prefix: &str) -> String {
        let values = [
            ("place", self.place.as_str()),
            ("public_url", self.public_url.as_str()),
        ];
        text::texts_json(prefix, &values)
    }

    /// The versioned address of a static file.
    pub fn asset(&self, name: &str) -> String {
        asset_url(name)
    }
}

/// Renders a page.
///
/// # Errors
/// `internal` when the template fails.
pub fn page(template: &impl Template) -> Answer {
    page_with_status(StatusCode::OK, template)
}

/// As [`page`], for an answer that is none of the good ones.
///
/// # Errors
/// `internal` when the template fails.
pub fn page_with_status(status: StatusCode, template: &impl Template) -> Answer {
    let body = template.render().map_err(|error| {
        tracing::error!(%error, "can't render a page");
        Problem::internal()
    })?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(body))
}

/// As [`page`], for a page with a one-time secret: as the response to a form it is served for five minutes to the same session.
///
/// # Errors
/// `internal` when the template fails.
pub fn one_time_page(template: &impl Template) -> Answer {
    let mut answer = page(template)?;
    answer.extensions_mut().insert(OneTime);
    Ok(answer)
}

/// Marks a response with a one-time secret.
#[derive(Clone, Copy, Debug)]
pub struct OneTime;

/// Marks a response to a form that sends the browser to another site immediately, so that it gets no address of its own.
#[derive(Clone, Copy, Debug)]
pub struct AnswersDirectly;

/// 303 to a path of ours.
pub fn redirect(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .finish()
}
