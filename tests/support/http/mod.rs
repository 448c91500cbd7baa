//! A browser without a screen: plain HTTP requests with a cookie jar, for tests that act in place of a page.

mod answer;
mod cookies;
mod encodings;
mod raw;
mod request;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

pub use answer::Answer;
use cookies::CookieJar;
pub use encodings::{basic, form_encoded};
pub use raw::RawConnection;
pub use request::{Request, page_user};

/// An HTTP client that connects to `127.0.0.1:port` and sends the `Host` of the public URL.
///
/// It follows no redirects, reuses no connections, and treats no status as an error. The jar evaluates only names and deletion of
/// cookies: tests check paths, domains and `Secure` themselves. A clone has a copy of the jar, like another tab that doesn't see
/// later changes in the first.
pub struct TestBrowser {
    agent: Agent,
    port: u16,
    origin: String,
    jar: Mutex<CookieJar>,
}

impl Clone for TestBrowser {
    fn clone(&self) -> Self {
        Self::with_jar(self.port, self.origin.clone(), self.jar().clone())
    }
}

impl TestBrowser {
    /// Creates a browser with an empty jar; `public_url` determines `Origin` (without its path) and `Host`.
    pub fn new(port: u16, public_url: &str) -> Self {
        let (scheme, rest) = public_url.split_once("://").expect("a URL with a scheme");
        let host = rest.split('/').next().unwrap_or(rest);
        Self::with_jar(port, format!("{scheme}://{host}"), CookieJar::default())
    }

    fn with_jar(port: u16, origin: String, jar: CookieJar) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .proxy(None)
            .user_agent("doorward-tests")
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self {
            agent,
            port,
            origin,
            jar: Mutex::new(jar),
        }
    }

    /// Returns a copy of the browser that connects to another instance.
    pub fn at_port(&self, port: u16) -> Self {
        Self::with_jar(port, self.origin.clone(), self.jar().clone())
    }

    /// Returns a browser on the same machine without cookies.
    pub fn without_cookies(&self) -> Self {
        Self::with_jar(self.port, self.origin.clone(), CookieJar::default())
    }

    /// Returns scheme and authority of the public URL.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().value(name)
    }

    /// Adds or replaces a cookie in the jar.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().set(name, value);
    }

    /// Sends `GET path`.
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// Sends `DELETE path`.
    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send()
    }

    /// Sends `POST path` with a JSON body.
    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// Sends `PATCH path` with a JSON body.
    pub fn patch_json(&self, path: &str, body: &Value) -> Answer {
        self.request("PATCH", path).json(body).send()
    }

    /// Submits a form of a page that was rendered for the signed-in user, and returns the resulting page, following the redirect
    /// to a page shown under an address of its own.
    pub fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.request("POST", path).page_form(fields).send();
        match answer.header("location") {
            Some(shown) if shown.starts_with("/results/") => self.get(shown),
            _ => answer,
        }
    }

    /// Returns a request to be completed. Methods other than GET, HEAD and OPTIONS start with the headers of a same-origin fetch,
    /// `Origin` and `Sec-Fetch-Site`.
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        Request::new(self, method, path)
    }

    fn jar(&self) -> MutexGuard<'_, CookieJar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
