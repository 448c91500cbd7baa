//! Malformed requests to the OAuth endpoints are refused with the specified error code, never with a 5xx, without redirects to
//! unregistered URIs, and without echoing unescaped input.

mod authorize;
mod clients;
mod redirects;
mod tokens;
mod unreadable_requests;

use std::collections::BTreeSet;

use crate::support::http::{Answer, Request};

/// Input that would run as a script if a page echoed it unescaped.
const SCRIPT: &str = "\"><script>alert(1)</script>";

const FORM: &str = "application/x-www-form-urlencoded";

/// Sends a request as a browser does for a page.
fn for_a_person(request: Request<'_>) -> Answer {
    request.header("Accept", "text/html").send()
}

/// Checks a description for developers: ASCII in one line, without characters that would need escapes (RFC 6749 §4.1.2.1).
fn assert_plain(description: &str) {
    let is_plain = |letter: char| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\');
    assert!(
        !description.is_empty() && description.chars().all(is_plain),
        "{description:?}"
    );
}

/// Checks a refusal for a program (RFC 6749 §5.2): status, error code, a plain description, nothing else, not cacheable.
fn assert_refused(answer: &Answer, status: u16, error: &str) {
    let what = (answer.status, word(answer));
    assert_eq!(what, (status, error.to_owned()), "{answer:?}");
    let json = answer.json();
    let members = json.as_object().expect("an object").keys();
    let members: BTreeSet<&str> = members.map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["error", "error_description"]));
    assert_plain(json["error_description"].as_str().expect("a description"));
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store"),
        "{answer:?}"
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    if status == 401 {
        assert!(answer.header("www-authenticate").is_some(), "{answer:?}");
    }
}

/// Returns the `error` of a response; empty if it has none.
fn word(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    json["error"].as_str().unwrap_or_default().to_owned()
}

/// Checks that the refusal is shown on Doorward's own page, without a redirect and without echoing input.
fn assert_stays(answer: &Answer) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.header("location"), None);
    assert_harmless(answer);
}

/// Checks that there is no server error, and that no input would run as a script.
fn assert_harmless(answer: &Answer) {
    assert!(answer.status < 500, "{answer:?}");
    assert!(!answer.text().contains("<script>alert"), "{answer:?}");
    let location = answer.header("location").unwrap_or_default();
    assert!(!location.contains(['<', '"', '\r', '\n']), "{location}");
}
