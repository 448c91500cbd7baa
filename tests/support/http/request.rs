//! A request of [`Browserless`], in whatever shape a test wants it.

use std::io::Read as _;

use serde_json::Value;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, header};

use super::{Answer, Browserless, basic, form_encoded};

/// Far above what any answer of the product weighs.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;

/// One request on its way; a header that is set again replaces the earlier one.
pub struct Request<'browser> {
    browser: &'browser Browserless,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl<'browser> Request<'browser> {
    pub(super) fn new(browser: &'browser Browserless, method: &str, path: &str) -> Self {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method);
        let origin = &browser.origin;
        let (_, host) = origin.split_once("://").expect("an origin with a scheme");
        let path = path.to_owned();
        let request = Self {
            browser,
            method,
            path,
            headers: HeaderMap::new(),
            body: None,
        };
        let request = request.header("Host", host);
        if is_safe {
            return request;
        }
        request
            .header("Origin", origin)
            .header("Sec-Fetch-Site", "same-origin")
    }

    /// Sets a header, also `Host`, `Origin` or `Cookie`; the value may hold any byte a header can.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.headers.insert(header_name(name), value);
        self
    }

    /// Adds a header beside those of the same name.
    pub fn another_header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.headers.append(header_name(name), value);
        self
    }

    /// Leaves out a header that would be sent by default.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(header_name(name));
        self
    }

    /// Leaves out `Origin` and `Sec-Fetch-Site`, as a program does that is no browser.
    pub fn without_same_origin(self) -> Self {
        self.without_header("Origin")
            .without_header("Sec-Fetch-Site")
    }

    /// Any bytes with any `Content-Type`.
    pub fn body(mut self, body: impl Into<Vec<u8>>, content_type: &str) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", content_type)
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string(), "application/json")
    }

    /// An `application/x-www-form-urlencoded` body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", form_encoded(name), form_encoded(value)))
            .collect();
        self.body(pairs.join("&"), "application/x-www-form-urlencoded")
    }

    /// As [`Request::form`], from a page that was rendered for the user who is signed in.
    pub fn page_form(self, fields: &[(&str, &str)]) -> Self {
        match page_user(self.browser) {
            Some(user) => self.form(&[fields, &[("opened_by", &user)]].concat()),
            None => self.form(fields),
        }
    }

    /// HTTP Basic authorization as OAuth clients send it: both halves form-encoded first (RFC 6749 §2.3.1).
    pub fn basic(self, client_id: &str, secret: &str) -> Self {
        self.header("Authorization", &basic(client_id, secret))
    }

    /// `Authorization: Bearer token`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sends it and keeps the cookies of the answer; panics when no answer comes.
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        self.try_send()
            .unwrap_or_else(|error| panic!("{what}: no answer: {error}"))
    }

    /// As [`Request::send`], for a server that may be gone: the error says what happened to the connection.
    pub fn try_send(mut self) -> Result<Answer, String> {
        let browser = self.browser;
        let cookies = browser.jar().header();
        if !cookies.is_empty() && !self.headers.contains_key(header::COOKIE) {
            self = self.header("Cookie", &cookies);
        }
        // A browser sends `Content-Length: 0` with a POST that has no body.
        if [Method::POST, Method::PUT, Method::PATCH].contains(&self.method) {
            self.body.get_or_insert_default();
        }
        let answer = self.exchange()?;
        browser.jar().keep(answer.headers_named("set-cookie"));
        Ok(answer)
    }

    fn exchange(self) -> Result<Answer, String> {
        let uri = format!("http://127.0.0.1:{}{}", self.browser.port, self.path);
        let mut request = HttpRequest::builder()
            .method(self.method)
            .uri(uri)
            .body(())
            .map_err(|error| error.to_string())?;
        *request.headers_mut() = self.headers;
        let agent = &self.browser.agent;
        let response = match self.body {
            None => agent.run(request),
            Some(body) => agent.run(request.map(|()| body)),
        };
        let (parts, body) = response.map_err(|error| error.to_string())?.into_parts();
        let mut bytes = Vec::new();
        body.into_reader()
            .take(ANSWER_LIMIT)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: bytes,
        })
    }
}

fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).expect("a header name")
}

/// What a page that is rendered now writes into its forms: the ID and display name of the user who is signed in.
pub fn page_user(browser: &Browserless) -> Option<String> {
    let session = browser.get("/v1/session");
    let user = (session.status == 200).then(|| session.json()["user"].clone())?;
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    Some(format!("{} {}", text("id"), text("display_name")))
}
