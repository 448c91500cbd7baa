//! A request of [`TestBrowser`], which tests can change in any way.

use std::io::Read as _;

use serde_json::Value;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, header};

use super::{Answer, TestBrowser, basic, form_encoded};

/// Far above the size of any response.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;

/// A request being built; setting a header again replaces its earlier value.
pub struct Request<'browser> {
    browser: &'browser TestBrowser,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl<'browser> Request<'browser> {
    pub(super) fn new(browser: &'browser TestBrowser, method: &str, path: &str) -> Self {
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

    /// Sets a header, including `Host`, `Origin` or `Cookie`; the value may contain any byte that is allowed in headers.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.headers.insert(header_name(name), value);
        self
    }

    /// Adds another header with the same name.
    pub fn another_header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.headers.append(header_name(name), value);
        self
    }

    /// Removes a header that would be sent by default.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(header_name(name));
        self
    }

    /// Removes `Origin` and `Sec-Fetch-Site`, like a client that is not a browser.
    pub fn without_same_origin(self) -> Self {
        self.without_header("Origin")
            .without_header("Sec-Fetch-Site")
    }

    /// Sets the body and its `Content-Type`.
    pub fn body(mut self, body: impl Into<Vec<u8>>, content_type: &str) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", content_type)
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string(), "application/json")
    }

    /// Sets an `application/x-www-form-urlencoded` body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", form_encoded(name), form_encoded(value)))
            .collect();
        self.body(pairs.join("&"), "application/x-www-form-urlencoded")
    }

    /// Like [`Request::form`], from a page that was rendered for the signed-in user.
    pub fn page_form(self, fields: &[(&str, &str)]) -> Self {
        match page_user(self.browser) {
            Some(user) => self.form(&[fields, &[("rendered_for", &user)]].concat()),
            None => self.form(fields),
        }
    }

    /// Sets HTTP Basic authorization as OAuth clients do: both parts are form-encoded first (RFC 6749 §2.3.1).
    pub fn basic(self, client_id: &str, secret: &str) -> Self {
        self.header("Authorization", &basic(client_id, secret))
    }

    /// Sets `Authorization: Bearer token`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sends the request and stores the cookies of the response; panics if there is no response.
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        self.try_send()
            .unwrap_or_else(|error| panic!("{what}: no answer: {error}"))
    }

    /// Like [`Request::send`], for a server that may be down: returns the connection's error.
    pub fn try_send(mut self) -> Result<Answer, String> {
        let browser = self.browser;
        let cookies = browser.jar().header();
        if !cookies.is_empty() && !self.headers.contains_key(header::COOKIE) {
            self = self.header("Cookie", &cookies);
        }
        // Browsers send `Content-Length: 0` with a POST that has no body.
        if [Method::POST, Method::PUT, Method::PATCH].contains(&self.method) {
            self.body.get_or_insert_default();
        }
        let answer = self.exchange()?;
        browser.jar().store_from(answer.headers_named("set-cookie"));
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

/// Returns what a page rendered now writes into its forms: ID and display name of the signed-in user.
pub fn page_user(browser: &TestBrowser) -> Option<String> {
    let session = browser.get("/v1/session");
    let user = (session.status == 200).then(|| session.json()["user"].clone())?;
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    Some(format!("{} {}", text("id"), text("display_name")))
}
