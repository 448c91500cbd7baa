//! The response to a [`super::Request`].

use std::fmt;

use serde_json::Value;
use ureq::http::HeaderMap;

/// An HTTP response.
#[derive(Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// Body without any decoding.
    pub body: Vec<u8>,
}

impl Answer {
    /// Parses the body as JSON; panics with the whole response if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Returns the body as text; invalid UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the first header with that name; empty if it is not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    }

    /// Returns all headers with that name, in order.
    pub fn headers_named(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap_or_default())
            .collect()
    }

    /// Returns the `type` of an RFC 9457 problem; empty for other media types.
    pub fn problem_type(&self) -> String {
        if !self
            .header("content-type")
            .is_some_and(|media| media.starts_with("application/problem+json"))
        {
            return String::new();
        }
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {:#?}\n{}",
            self.status,
            self.headers,
            self.text()
        )
    }
}
