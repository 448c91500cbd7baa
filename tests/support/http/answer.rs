//! What a server answered to [`super::Request`].

use std::fmt;

use serde_json::Value;
use ureq::http::HeaderMap;

/// What the server answered.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; panics with the whole answer when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of that name, empty if it is no visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    }

    /// All headers of that name, in order.
    pub fn headers_named(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap_or_default())
            .collect()
    }

    /// The `type` of an RFC 9457 problem; empty for an answer of another media type.
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
