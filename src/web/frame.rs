//! Frame around all pages.

use std::fmt::Display;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Serialize;
use url::form_urlencoded;

use super::{Answer, Problem, SubmittedForm, Web, asset_url, text};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;

/// Signed-in user of a page.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// ID of the user.
    pub user: UserId,
    /// Display name.
    pub display_name: String,
    /// Username.
    pub username: String,
    /// Whether the user is an administrator, who sees all of the admin pages.
    pub is_administrator: bool,
    /// Whether a role lets the user manage users, and so see that part of the admin pages.
    pub manages_users: bool,
    /// Whether a role lets the user manage role assignments on resources, and so see that part of the admin pages.
    pub manages_assignments: bool,
}

/// Data that all pages need: the installation's name, the signed-in user, texts and assets.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Name of this installation.
    pub installation_name: String,
    /// Host of the public URL.
    pub installation_host: String,
    /// Public URL, without a path.
    pub public_url: String,
    /// Signed-in user, if any.
    pub signed_in: Option<Visitor>,
    /// Path of this page.
    pub path: String,
    /// Name of the notice in the URL, if any.
    notice: Option<String>,
    /// Names and values of the form that this page responds to, for a page that submits it again.
    pub sent: Vec<(String, String)>,
    /// Form that this user submitted after their session had ended, to be filled in again.
    pub restored: Option<RestoredForm>,
}

/// Form to be filled in again with what the user typed.
#[derive(Clone, Debug, Serialize)]
pub struct RestoredForm {
    /// Path that the form is posted to.
    pub action: String,
    /// Names and values of its fields.
    pub fields: Vec<(String, String)>,
    /// Notice that the page shows.
    pub notice: &'static str,
}

impl RestoredForm {
    /// Returns the form as JSON that is safe in a `<script>` data block.
    pub fn json(&self) -> String {
        text::script_json(self)
    }
}

impl Frame {
    /// Creates the frame of the response to `request`.
    pub fn new(web: &Web, request: &HttpRequest, signed_in: Option<Visitor>) -> Self {
        Self {
            installation_name: web.installation_name.to_string(),
            installation_host: web.public_url().host().to_owned(),
            public_url: web.public_url().as_str().to_owned(),
            signed_in,
            path: request.path().to_owned(),
            notice: form_urlencoded::parse(request.query_string().as_bytes())
                .find_map(|(name, value)| (name == "notice").then(|| value.into_owned())),
            sent: SubmittedForm::of(request).map_or_else(Vec::new, |form| form.fields()),
            restored: None,
        }
    }

    /// Returns a frame for unit tests of pages.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            installation_name: "Here".into(),
            installation_host: "localhost".into(),
            public_url: "http://localhost".into(),
            signed_in: None,
            path: "/admin".into(),
            notice: None,
            sent: Vec::new(),
            restored: None,
        }
    }

    /// Returns whether the signed-in user is an administrator.
    pub fn is_administrator(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|visitor| visitor.is_administrator)
    }

    /// Returns whether the signed-in user sees the admin pages about users.
    pub fn shows_users_section(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|visitor| visitor.is_administrator || visitor.manages_users)
    }

    /// Returns whether the signed-in user sees the admin pages about resources.
    pub fn shows_resources_section(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|visitor| visitor.is_administrator || visitor.manages_assignments)
    }

    /// Returns the text of a key.
    pub fn text<'a>(&self, key: &'a str) -> &'a str {
        text::text(key)
    }

    /// Returns the text of a key, if it has one.
    pub fn find_text(&self, key: &str) -> Option<&'static str> {
        text::find_text(key)
    }

    /// Returns the text of a key with `{name}` replaced by values.
    pub fn text_with(&self, key: &str, values: &[(&str, &str)]) -> String {
        text::text_with(key, values)
    }

    /// Returns the text of `{prefix}.{name}`, or `name` itself if there is none.
    pub fn label<'a>(&self, prefix: &str, name: &'a str) -> &'a str {
        text::find_text(&format!("{prefix}.{name}")).unwrap_or(name)
    }

    /// Returns the label of a detail of an audit event; client settings have the label of their form field.
    pub fn detail_label<'a>(&self, name: &'a str) -> &'a str {
        let known = |prefix: &str| text::find_text(&format!("{prefix}.{name}"));
        let label = known("audit_detail").or_else(|| known("client_field"));
        label.unwrap_or(name)
    }

    /// Returns the time in a detail of an audit event, if it is one.
    pub fn instant(&self, value: &str) -> Option<Timestamp> {
        Timestamp::parse(value)
    }

    /// Returns the text of `{key}.one` or `{key}.other`, with `{count}` filled in.
    pub fn text_counted(&self, key: &str, count: impl Display + Copy) -> String {
        let count = count.to_string();
        let form = if count == "1" { "one" } else { "other" };
        text::text_with(&format!("{key}.{form}"), &[("count", &count)])
    }

    /// Returns the text key of the notice that the URL names; `None` if there is no such text.
    pub fn notice(&self, prefix: &str) -> Option<String> {
        let key = format!("{prefix}.{}", self.notice.as_deref()?);
        text::find_text(&key).is_some().then_some(key)
    }

    /// Returns the texts whose keys begin with `prefix`, for a page's script, with the installation's name and
    /// public URL filled in.
    pub fn texts_json(&self, prefix: &str) -> String {
        let values = [
            ("place", self.installation_name.as_str()),
            ("public_url", self.public_url.as_str()),
        ];
        text::texts_json(prefix, &values)
    }

    /// Returns the versioned URL of a static file.
    pub fn asset(&self, name: &str) -> String {
        asset_url(name)
    }
}

/// Renders a page.
pub fn page(template: &impl Template) -> Answer {
    page_with_status(StatusCode::OK, template)
}

/// As [`page`], with another status.
pub fn page_with_status(status: StatusCode, template: &impl Template) -> Answer {
    let body = template.render().map_err(|error| {
        tracing::error!(%error, "can't render a page");
        Problem::internal()
    })?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(body))
}

/// As [`page`], for a page with a one-time secret: if it responds to a form, it is served for five minutes to the same session.
pub fn page_with_secret(template: &impl Template) -> Answer {
    let mut answer = page(template)?;
    answer.extensions_mut().insert(ContainsSecret);
    Ok(answer)
}

/// Response extension: the page contains a one-time secret.
#[derive(Clone, Copy, Debug)]
pub struct ContainsSecret;

/// Response extension: the response to a form immediately sends the browser to another site, so it is served directly instead of
/// at a URL of its own.
#[derive(Clone, Copy, Debug)]
pub struct SkipRedirect;

/// Returns 303 to a path of this server.
pub fn redirect(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .finish()
}
