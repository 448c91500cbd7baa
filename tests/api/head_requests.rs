//! HEAD is answered wherever GET is, with the same headers and no body (RFC 9110 §9.1, §9.3.2).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::on_both;
use crate::support::http::{Answer, RawConnection, TestBrowser};

/// Returns the headers of a response, without those that always differ.
fn headers(answer: &Answer) -> BTreeMap<String, String> {
    // The redirect to sign-in contains a new ID each time.
    let of_one_answer = ["x-request-id", "date", "set-cookie"];
    let headers = answer.headers.iter();
    headers
        .filter(|(name, _)| !of_one_answer.contains(&name.as_str()))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = value.split("?continue=").next().unwrap_or_default();
            (name.to_string(), value.to_owned())
        })
        .collect()
}

fn assert_head_matches_get(browser: &TestBrowser, path: &str, accept: &str) {
    let ask = |method: &str| {
        browser
            .request(method, path)
            .header("Accept", accept)
            .send()
    };
    let (get, head) = (ask("GET"), ask("HEAD"));
    assert_eq!(get.status, head.status, "{path}");
    assert_eq!(headers(&get), headers(&head), "{path}");
    assert!(head.body.is_empty(), "{path}");
}

on_both! {
    fn head_is_answered_wherever_get_is(server) {
        let root = server.administrator();
        let api = root.browser.get("/openapi.json").json();
        let paths = api["paths"].as_object().expect("paths");
        let described = paths.iter().filter(|(_, methods)| methods.get("get").is_some());
        let mut asked = 0;
        for (path, _) in described {
            assert_head_matches_get(&root.browser, &path.replace("{user}", "root").replace(['{', '}'], ""), "application/json");
            asked += 1;
        }
        assert!(asked > 20, "{asked}");
        for path in ["/healthz", "/openapi.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
            "/.well-known/authzen-configuration", "/.well-known/webauthn", "/.well-known/passkey-endpoints", "/oauth2/jwks",
            "/.well-known/webfinger", "/.well-known/webfinger?resource=acct:a@localhost",
            "/oauth2/userinfo", "/oauth2/authorize", "/oauth2/logout", "/assets/style.css", "/assets/nothing.css", "/login", "/lost",
            "/account", "/admin", "/admin/users", "/nothing", "/", "/forward-auth"] {
            assert_head_matches_get(&root.browser, path, "text/html");
            assert_head_matches_get(&root.browser.without_cookies(), path, "*/*");
        }
        let operator = TestBrowser::new(server.operator_port(), server.origin());
        let metrics = operator.request("HEAD", "/metrics").send();
        assert_eq!((metrics.status, metrics.body.len()), (200, 0));
        assert_eq!(operator.request("HEAD", "/readyz").send().status, 200);
        assert_eq!(server.browser().request("HEAD", "/readyz").send().status, 200);
    }

    fn a_response_to_head_has_no_body(server) {
        for port in [server.port(0), server.operator_port()] {
            let mut connection = RawConnection::open(port, Duration::from_secs(5));
            let request = |method: &str| format!("{method} /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            connection.send(request("HEAD"));
            let head = connection.head();
            assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("\r\ncontent-length: "), "{head}");
            assert_eq!(connection.rest(), b"");
        }
    }

    fn allow_lists_head_only_together_with_get(server) {
        let root = server.administrator();
        for (path, allow) in [
            ("/healthz", "GET, HEAD"), ("/v1/session", "GET, HEAD, DELETE"), ("/oauth2/jwks", "GET, HEAD"),
            ("/oauth2/userinfo", "GET, HEAD, POST"), ("/oauth2/authorize", "GET, HEAD, POST"), ("/login", "GET, HEAD"),
        ] {
            for method in ["PUT", "BREW", "OPTIONS"] {
                let answer = root.browser.request(method, path).send();
                assert_eq!(answer.status, if method == "OPTIONS" { 204 } else { 405 }, "{method} {path}");
                assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
            }
        }
        for path in ["/webauthn/login/start", "/oauth2/token", "/access/v1/evaluation"] {
            let answer = root.browser.request("HEAD", path).send();
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{path}");
        }
        let operator = TestBrowser::new(server.operator_port(), server.origin());
        let refused = operator.request("POST", "/metrics").json(&json!({})).send();
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    }
}
