//! Pages of a search: limit, cursor, and the budget of evaluations.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::AuthZenError;
use super::request::count;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;
/// Maximum number of evaluations per page. A search that exceeds it returns the results so far and a token for the rest.
pub(super) const MAX_EVALUATIONS_PER_PAGE: usize = 2_000;
const MAX_VALUES: usize = 200;

/// The requested page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageRequest {
    pub(super) limit: usize,
    /// Cursor: the candidate after which the page begins.
    pub(super) after: Option<String>,
}

impl PageRequest {
    /// Reads the page of a request; `null` counts as absent.
    pub(super) fn read(request: &Map<String, Value>) -> Result<Self, AuthZenError> {
        // Every candidate is evaluated with all values of the request.
        let values: usize = request.values().map(count).sum();
        if values > MAX_VALUES {
            return Err(malformed("a search may contain at most 200 values"));
        }
        let page = match request.get("page") {
            None | Some(Value::Null) => {
                return Ok(Self {
                    limit: DEFAULT_LIMIT,
                    after: None,
                });
            }
            Some(Value::Object(page)) => page,
            Some(_) => return Err(malformed("page must be an object")),
        };
        let limit = match page.get("limit") {
            None | Some(Value::Null) => DEFAULT_LIMIT,
            Some(limit) => limit
                .as_u64()
                .filter(|limit| *limit > 0)
                .and_then(|limit| usize::try_from(limit).ok())
                .ok_or_else(|| malformed("page.limit must be a whole number from 1"))?
                .min(MAX_LIMIT),
        };
        let after = match page.get("token") {
            None | Some(Value::Null) => None,
            Some(Value::String(token)) if token.is_empty() => None,
            Some(Value::String(token)) => {
                Some(decode(token).ok_or_else(|| malformed("page.token is invalid"))?)
            }
            Some(_) => return Err(malformed("page.token must be a string")),
        };
        Ok(Self { limit, after })
    }
}

fn malformed(what: &str) -> AuthZenError {
    AuthZenError::Malformed(what.to_owned())
}

/// The error for a cursor of another search.
pub(super) fn other_search() -> AuthZenError {
    malformed("page.token belongs to another search")
}

fn decode(token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    // Cursors never contain NUL, which PostgreSQL rejects in text.
    (!text.contains('\0')).then_some(text)
}

/// A page of results, and the candidate after which the next page begins.
#[derive(Debug, PartialEq)]
pub struct SearchPage {
    pub(super) results: Vec<Value>,
    pub(super) next: Option<String>,
}

impl SearchPage {
    /// An empty last page.
    pub(super) fn empty() -> Self {
        Self {
            results: Vec::new(),
            next: None,
        }
    }

    /// The response body. An empty token means that this is the last page.
    pub fn to_json(&self) -> Value {
        let next = self.next.as_ref().map(|next| URL_SAFE_NO_PAD.encode(next));
        // AuthZEN Authorization API 1.0 §8.3: `page` is the first member (serde_json keeps this order).
        json!({
            "page": { "next_token": next.unwrap_or_default(), "count": self.results.len() },
            "results": self.results,
        })
    }
}

/// Builds a page.
#[derive(Debug)]
pub(super) struct PageBuilder {
    found: SearchPage,
    limit: usize,
    left: usize,
}

impl PageBuilder {
    pub(super) fn new(page_request: &PageRequest) -> Self {
        Self {
            found: SearchPage::empty(),
            limit: page_request.limit,
            left: MAX_EVALUATIONS_PER_PAGE,
        }
    }

    /// Whether another candidate may be evaluated.
    pub(super) fn needs_more(&self) -> bool {
        self.found.results.len() < self.limit && self.left > 0
    }

    /// Records an evaluated candidate, and its result if it is permitted.
    pub(super) fn note(&mut self, cursor: String, result: Option<Value>) {
        self.found.results.extend(result);
        self.found.next = Some(cursor);
        self.left = self.left.saturating_sub(1);
    }

    /// Returns the page when candidates remain: the next page begins after the last evaluated one.
    pub(super) fn into_page_with_next(self) -> SearchPage {
        self.found
    }

    /// Returns the page when no candidates remain.
    pub(super) fn into_last_page(mut self) -> SearchPage {
        self.found.next = None;
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cursor_is_accepted_as_a_page_token() {
        let found = SearchPage {
            results: vec![],
            next: Some("ä/7".into()),
        };
        let page =
            json!({ "page": { "token": found.to_json()["page"]["next_token"], "limit": 5_000 } });
        let page_request = PageRequest::read(page.as_object().expect("an object")).expect("a wish");
        assert_eq!(page_request.after.as_deref(), Some("ä/7"));
        assert_eq!(page_request.limit, MAX_LIMIT);
        for bad in [
            json!({"page": 1}),
            json!({"page": {"limit": 0}}),
            json!({"page": {"limit": -1}}),
            json!({"page": {"limit": "1"}}),
            json!({"page": {"token": "%"}}),
            json!({"page": {"token": 1}}),
        ] {
            assert!(
                PageRequest::read(bad.as_object().expect("an object")).is_err(),
                "{bad}"
            );
        }
        assert_eq!(SearchPage::empty().to_json()["page"]["next_token"], "");
    }
}
