//! Authorization requests with single invalid parameters: which errors are sent to the app, and which are shown
//! on Doorward's page.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{FORM, SCRIPT, assert_harmless, assert_plain, assert_stays, for_a_person};
use crate::on_both;
use crate::support::http::{Answer, TestBrowser};
use crate::support::relying_party::{CALLBACK, RelyingParty, redirect_parameters};
use crate::support::test_server::TestServer;

const NAMES: [&str; 22] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "claims",
    "login_hint",
    "id_token_hint",
    "acr_values",
    "ui_locales",
    "claims_locales",
    "display",
    "request",
    "request_uri",
    "registration",
    "unheard_of",
];

/// Checks that an error was sent to the app with `error`, a plain description, `state` and `iss`, nothing else, in
/// the query only.
fn assert_sent_back(server: &TestServer, answer: &Answer, error: &str) {
    let sent = redirect_parameters(answer);
    let names: BTreeSet<&str> = sent.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        BTreeSet::from(["error", "error_description", "state", "iss"]),
        "{answer:?}"
    );
    assert_eq!(
        (sent["error"].as_str(), sent["iss"].as_str()),
        (error, server.origin()),
        "{sent:?}"
    );
    assert_eq!(sent["state"], "the-state");
    assert_plain(&sent["error_description"]);
    let location = answer.header("location").expect("a location");
    assert!(!location.contains('#'), "{location}");
    assert_eq!(location.matches('?').count(), 1, "{location}");
}

/// Sends the same request by query and by form.
fn both_ways(app: &RelyingParty, browser: &TestBrowser, more: &[(&str, &str)]) -> [Answer; 2] {
    let path = app.path(more);
    let body = path.split_once('?').expect("a query").1;
    let posted = browser
        .request("POST", "/oauth2/authorize")
        .without_same_origin();
    [browser.get(&path), posted.body(body, FORM).send()]
}

/// Returns invalid parameters with their error codes.
fn refusals() -> Vec<(&'static str, String, &'static str)> {
    let nested = format!("{{\"userinfo\": {}{}}}", "[".repeat(200), "]".repeat(200));
    let deep = format!(
        "{{\"id_token\": {{\"x\": {}1{}}}}}",
        "{\"a\":".repeat(200),
        "}".repeat(200)
    );
    let many: Vec<String> = (0..100).map(|n| format!("\"c{n}\": null")).collect();
    let mut all = Vec::new();
    let mut add = |name: &'static str, values: &[&str], error: &'static str| {
        all.extend(
            values
                .iter()
                .map(|value| (name, (*value).to_owned(), error)),
        );
    };
    add(
        "response_type",
        &[
            "token",
            "code id_token",
            "id_token",
            "code token",
            "none",
            "CODE",
            "code code",
            SCRIPT,
        ],
        "unsupported_response_type",
    );
    add("response_type", &[""], "invalid_request");
    add(
        "response_mode",
        &["web_message", "jwt", "QUERY", "query form_post", SCRIPT],
        "invalid_request",
    );
    add(
        "request",
        &["x", "eyJhbGciOiJub25lIn0.e30.", SCRIPT],
        "request_not_supported",
    );
    add(
        "request_uri",
        &[
            "https://app.example/request",
            "urn:ietf:params:oauth:request_uri:x",
            SCRIPT,
        ],
        "request_uri_not_supported",
    );
    add(
        "registration",
        &["{}", SCRIPT],
        "registration_not_supported",
    );
    add(
        "code_challenge_method",
        &["plain", "", "s256", "S512", SCRIPT],
        "invalid_request",
    );
    let lengths = [1, 42, 44, 64, 128].map(|length| "A".repeat(length));
    add(
        "code_challenge",
        &lengths.each_ref().map(String::as_str),
        "invalid_request",
    );
    let padded = format!("{}=", "A".repeat(42));
    let foreign = format!("{}+", "A".repeat(42));
    add(
        "code_challenge",
        &["", &padded, &foreign, SCRIPT],
        "invalid_request",
    );
    add(
        "prompt",
        &["none login", "login none", "sometimes", "NONE", SCRIPT],
        "invalid_request",
    );
    add(
        "max_age",
        &[
            "-1",
            "x",
            "1.5",
            "+3",
            "0x1",
            "1 ",
            "99999999999999999999999",
            SCRIPT,
        ],
        "invalid_request",
    );
    add(
        "claims",
        &[
            "x",
            "[]",
            "1",
            "null",
            "\"x\"",
            "{",
            "{\"userinfo\": []}",
            "{\"id_token\": 1}",
            SCRIPT,
        ],
        "invalid_request",
    );
    let many = format!("{{\"userinfo\": {{{}}}}}", many.join(","));
    add("claims", &[&nested, &deep, &many], "invalid_request");
    add(
        "id_token_hint",
        &["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", SCRIPT],
        "invalid_request",
    );
    add(
        "resource",
        &["https://other.example/", "x", SCRIPT],
        "invalid_target",
    );
    all
}

on_both! {
    fn a_repeated_parameter_is_refused(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        for name in NAMES {
            for second in ["", "x", SCRIPT] {
                let first = app.parameters(&[]).into_iter().find(|(known, _)| known == name);
                let first = first.map_or_else(|| "x".to_owned(), |(_, value)| value);
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                let mut parameters = app.parameters(&[]);
                parameters.retain(|(known, _)| known != name);
                query.extend_pairs(parameters).append_pair(name, &first).append_pair(name, second);
                let query = query.finish();
                let path = format!("/oauth2/authorize?{query}");
                assert_stays(&for_a_person(root.browser.request("GET", &path)));
                let posted = root.browser.request("POST", "/oauth2/authorize").without_same_origin();
                assert_stays(&posted.body(query, FORM).send());
            }
        }
    }

    fn each_invalid_parameter_returns_its_error_code(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        for (name, value, error) in refusals() {
            for answer in both_ways(&app, &root.browser, &[(name, &value)]) {
                assert_sent_back(server, &answer, error);
            }
        }
        let service = server.relying_party(|metadata| metadata.grant_types.clear());
        assert_sent_back(server, &service.authorize(&root.browser, &[]), "unauthorized_client");
    }

    fn errors_are_posted_as_a_form_with_response_mode_form_post(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let wrong = [("response_mode", "form_post"), ("response_type", "token"), ("state", SCRIPT)];
        for answer in both_ways(&app, &root.browser, &wrong) {
            assert_eq!((answer.status, answer.header("location")), (200, None), "{answer:?}");
            assert_harmless(&answer);
            let page = answer.text();
            let names: Vec<&str> = page
                .split("<input type=\"hidden\" name=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().expect("a name"))
                .collect();
            assert_eq!(names, ["error", "error_description", "state", "iss"]);
            assert!(page.contains(&format!("action=\"{CALLBACK}\"")) && page.contains("value=\"unsupported_response_type\""));
            let policy = answer.header("content-security-policy").expect("a policy");
            assert!(policy.contains("form-action 'self' https:"), "{policy}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }

    fn a_refused_request_object_redirects_with_its_response_mode_and_state(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let object = |payload: serde_json::Value| {
            let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
            format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#))
        };
        // As in the Form Post module of the official suite: both are only in the request object.
        let inside = object(json!({ "response_mode": "form_post", "state": "inside", "nonce": "n" }));
        for answer in both_ways(&app, &root.browser, &[("request", &inside), ("state", "")]) {
            assert_eq!((answer.status, answer.header("location")), (200, None), "{answer:?}");
            let page = answer.text();
            for words in ["name=\"state\" value=\"inside\"", "value=\"request_not_supported\"", &format!("action=\"{CALLBACK}\"")] {
                assert!(page.contains(words), "{words}: {page}");
            }
        }
        // OpenID Connect Core §6.1: the object's values supersede the parameters.
        let outside = [("request", inside.as_str()), ("response_mode", "query")];
        for answer in both_ways(&app, &root.browser, &outside) {
            assert!(answer.text().contains("name=\"state\" value=\"inside\""), "{answer:?}");
        }
        // Nothing else in the object is used.
        let hostile = object(json!({ "redirect_uri": "https://evil.example/", "client_id": "x", "state": SCRIPT }));
        for answer in both_ways(&app, &root.browser, &[("request", &hostile)]) {
            assert_harmless(&answer);
            let sent = redirect_parameters(&answer);
            assert_eq!((sent["error"].as_str(), sent["state"].as_str()), ("request_not_supported", SCRIPT));
        }
        for answer in both_ways(&app, &root.browser, &[("request", &inside), ("redirect_uri", "https://evil.example/")]) {
            assert_stays(&answer);
        }
        for answer in both_ways(&app, &root.browser, &[("request", &object(json!({ "redirect_uri": CALLBACK }))), ("redirect_uri", "")]) {
            assert_stays(&answer);
        }
    }

    fn parameters_are_escaped_on_pages(server) {
        let root = server.administrator();
        let asks = server.relying_party(|metadata| metadata.require_consent = true);
        let signed_out = server.browser();
        for browser in [&root.browser, &signed_out] {
            for name in NAMES {
                for more in [&[("prompt", "select_account")][..], &[("response_mode", "form_post")], &[]] {
                    let mut fields = more.to_vec();
                    fields.push((name, SCRIPT));
                    let mut answer = for_a_person(browser.request("GET", &asks.path(&fields)));
                    assert_harmless(&answer);
                    // Sign-in, consent and the account chooser are further redirects.
                    for _ in 0..2 {
                        let next = answer.header("location").unwrap_or_default().to_owned();
                        if !next.starts_with('/') {
                            break;
                        }
                        answer = for_a_person(browser.request("GET", &next));
                        assert_harmless(&answer);
                    }
                }
            }
            let path = format!("{}&{}=1", asks.path(&[]), "%22%3E%3Cscript%3Ealert(1)%3C/script%3E");
            assert_harmless(&for_a_person(browser.request("GET", &path)));
            assert_harmless(&for_a_person(browser.request("GET", &format!("{path}&{path}"))));
        }
    }

    fn state_is_returned_unchanged(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        // As long as gateways make it that store deep links in it, encoded or not.
        let (long, encoded) = ("s".repeat(16_384), "/".repeat(16_384));
        for state in [SCRIPT, "a\r\nSet-Cookie: x=1", "a&code=b#c?d=e+f %41", "ä\u{1F600}\u{202E}", "\\\"'", &long, &encoded] {
            let good = app.authorize(&root.browser, &[("state", state)]);
            assert_harmless(&good);
            assert_eq!(redirect_parameters(&good)["state"], state);
            assert!(good.header("set-cookie").is_none_or(|cookie| !cookie.contains("x=1")));
            let refused = app.authorize(&root.browser, &[("state", state), ("prompt", "x")]);
            assert_eq!(redirect_parameters(&refused)["state"], state);
        }
        let without = app.authorize(&root.browser, &[("state", ""), ("prompt", "x")]);
        assert!(!redirect_parameters(&without).contains_key("state"));
        let too_long = "s".repeat(16_385);
        assert_stays(&app.authorize(&root.browser, &[("state", &too_long)]));
        // Both at their maximum length, in a redirect, a form, and the ID token.
        let both = [("state", long.as_str()), ("nonce", long.as_str())];
        let issued = app.sign_in(&root.browser, &both);
        assert_eq!(issued.id_claims["nonce"].as_str(), Some(long.as_str()));
        let form = app.authorize(&root.browser, &[both[0], both[1], ("response_mode", "form_post")]);
        assert!(form.status == 200 && form.text().contains(&long));
    }

    fn unknown_parameters_are_ignored(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        for (name, value) in [
            ("extra", "foobar"), ("display", "popup"), ("display", "hologram"), ("ui_locales", "se tlh xx-not"),
            ("claims_locales", "de"), ("login_hint", "buffy@example.com"), ("acr_values", "1 2"), ("scope", "openid unheard_of"),
            ("claims", "{\"userinfo\": {\"name\": {\"essential\": true}, \"x\": {\"values\": [[[]]]}}, \"y\": 1}"),
        ] {
            app.code(&root.browser, &[(name, value)]);
        }
    }

    fn a_public_client_without_pkce_is_refused(server) {
        let root = server.administrator();
        let public = server.relying_party(|metadata| {
            metadata.token_endpoint_auth_method = doorward::clients::AuthMethod::None;
        });
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        assert_sent_back(server, &public.authorize(&root.browser, &without), "invalid_request");
        assert_sent_back(server, &public.authorize(&root.browser, &[("code_challenge", "")]), "invalid_request");
    }
}
