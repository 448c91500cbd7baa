//! Problem documents (RFC 9457): what is wrong and what to do.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError, Route, web};
use serde_json::{Map, Value, json};

use crate::db;
use crate::ephemeral::StoreUnavailable;

/// Result of a handler.
pub type Answer = Result<HttpResponse, Problem>;

/// Error as the client sees it. Its cause is only logged.
#[derive(Clone, Debug)]
pub struct Problem {
    /// HTTP status code.
    pub status: StatusCode,
    /// Last part of the stable type, `urn:doorward:problem:…`.
    pub kind: &'static str,
    /// Title; the same for all problems of a kind.
    pub title: &'static str,
    /// What is wrong with this request and what to do.
    pub detail: Cow<'static, str>,
    members: Box<Map<String, Value>>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
    /// Whether browsers get it as a page at API paths too.
    pub(super) as_page_everywhere: bool,
}

impl Problem {
    /// Creates a problem of a kind.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            kind,
            title,
            detail: detail.into(),
            members: Box::default(),
            headers: Vec::new(),
            as_page_everywhere: false,
        }
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Returns a member of the document.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Adds a header to the response. A value that is not valid in a header is left out.
    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).ok();
        self.headers.extend(value.map(|value| (name, value)));
        self
    }

    /// Adds `Retry-After` with the seconds to wait before the request is repeated.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.headers
            .push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    /// Returns 400 for an invalid member of the body.
    pub fn invalid_field(field: &'static str, reason: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-field",
            "Invalid field",
            format!("{field}: {reason}"),
        )
        .with("field", field)
    }

    /// Makes browsers get the problem as a page at API paths too, because a proxy forwards the response to them.
    #[must_use]
    pub fn shown_as_page(self) -> Self {
        Self {
            as_page_everywhere: true,
            ..self
        }
    }

    /// Returns 400 for a body that can't be parsed.
    pub fn invalid_body(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-body",
            "Invalid request",
            detail,
        )
    }

    /// Returns 415 for a body that is not JSON.
    pub fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported content type",
            "Send JSON with `Content-Type: application/json`.",
        )
    }

    /// Returns 400 for an invalid parameter of the URL.
    pub fn invalid_parameter(name: &'static str, reason: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-parameter",
            "Invalid parameter",
            format!("{name}: {reason}"),
        )
        .with("parameter", name)
    }

    /// Returns 404: no resource at this URL.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            "Nothing exists at this URL. Check the path and the ID.",
        )
    }

    /// Returns 403: the caller is known, but has no permission.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// Returns 409: not possible in the current state.
    pub fn conflict(
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(StatusCode::CONFLICT, kind, title, detail)
    }

    /// Returns 503 for an unavailable store. The request may be repeated.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Temporarily unavailable",
            "The server can't reach its database or cache. Try again in a moment.",
        )
        .retry_after(2)
    }

    /// Returns 500 for a bug or misconfiguration of Doorward.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            "The server failed to handle the request. Its log has details under the X-Request-Id of this response.",
        )
    }

    /// Returns the problem document as JSON.
    pub fn document(&self) -> Value {
        let mut document = (*self.members).clone();
        document.insert(
            "type".into(),
            format!("urn:doorward:problem:{}", self.kind).into(),
        );
        document.insert("title".into(), self.title.into());
        document.insert("status".into(), self.status.as_u16().into());
        document.insert("detail".into(), json!(self.detail));
        Value::Object(document)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.status.as_u16(), self.kind)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        let mut response = response
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(self.document().to_string());
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        tracing::error!(%error, "a query failed");
        match error {
            db::Error::Unavailable(_) | db::Error::CommitUnknown(_) => Self::unavailable(),
            db::Error::UniqueViolation(_) => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Changed by another request",
                "The data was changed by another request. Read it again, then repeat your request.",
            ),
            db::Error::Internal(_) => Self::internal(),
        }
    }
}

impl From<StoreUnavailable> for Problem {
    fn from(error: StoreUnavailable) -> Self {
        tracing::error!(%error, "request failed");
        Self::unavailable()
    }
}

/// Returns 405 with the allowed methods (RFC 9110 §15.5.6).
pub fn method_not_allowed(allow: &str) -> Problem {
    let allow = with_head(allow);
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        format!("Method not allowed; use {allow}."),
    )
    .header(header::ALLOW, &allow)
}

/// Returns the default service of a resource, which answers OPTIONS and refuses all methods but these.
pub fn only(allow: impl Into<String>) -> Route {
    let allow = allow.into();
    web::route().to(move |method: Method| {
        let allow = allow.clone();
        async move {
            if method == Method::OPTIONS {
                let mut response = HttpResponse::NoContent();
                let allow = (header::ALLOW, with_head(&allow));
                return Ok(response.insert_header(allow).finish());
            }
            Answer::Err(method_not_allowed(&allow))
        }
    })
}

/// Adds HEAD, which is supported wherever GET is (RFC 9110 §9.1).
fn with_head(allow: &str) -> String {
    allow.replacen("GET", "GET, HEAD", 1)
}
