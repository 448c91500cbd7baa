//! What strangers send to the endpoints of OAuth: refused by the specification's own word, never a 5xx, nobody sent anywhere
//! that is not registered, nothing said again unescaped.

mod authorize;
mod clients;
mod redirects;
mod shapes;
mod tokens;

use std::collections::BTreeSet;

use crate::support::http::{Answer, Request};

/// What would run if a page said it again as it came.
const SCRIPT: &str = "\"><script>alert(1)</script>";

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends it as a browser does that shows the answer to a person.
fn for_a_person(request: Request<'_>) -> Answer {
    request.header("Accept", "text/html").send()
}

/// A description for developers: ASCII in one line, without what would need escapes (RFC 6749 §4.1.2.1).
fn assert_plain(description: &str) {
    let is_plain = |letter: char| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\');
    assert!(
        !description.is_empty() && description.chars().all(is_plain),
        "{description:?}"
    );
}

/// A refusal for a program (RFC 6749 §5.2): this status and word, a plain sentence, nothing else, kept by nobody.
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

/// The `error` of an answer, empty where it is none of OAuth's.
fn word(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    json["error"].as_str().unwrap_or_default().to_owned()
}

/// A refusal that stays on our own page: nobody is sent anywhere, and nothing that came is said again.
fn assert_stays(answer: &Answer) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.header("location"), None);
    assert_harmless(answer);
}

/// No server error, and nothing that came would run.
fn assert_harmless(answer: &Answer) {
    assert!(answer.status < 500, "{answer:?}");
    assert!(!answer.text().contains("<script>alert"), "{answer:?}");
    let location = answer.header("location").unwrap_or_default();
    assert!(!location.contains(['<', '"', '\r', '\n']), "{location}");
}
