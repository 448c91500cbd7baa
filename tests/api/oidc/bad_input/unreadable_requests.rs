//! Unreadable requests at every endpoint: invalid text, too many parameters, wrong methods, wrong bodies.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{FORM, assert_harmless, assert_refused, assert_stays, for_a_person};
use crate::on_both;
use crate::support::http::{Answer, RawConnection, TestBrowser};
use crate::support::relying_party::RelyingParty;
use crate::support::test_server::TestServer;

/// Endpoints that take parameters in the query of a GET.
const BY_QUERY: [&str; 2] = ["/oauth2/authorize", "/oauth2/logout"];
/// Endpoints to which browsers post parameters.
const BY_BROWSERS_FORM: [&str; 2] = ["/oauth2/authorize", "/oauth2/logout"];
/// Endpoints to which programs post parameters.
const BY_FORM: [&str; 4] = [
    "/oauth2/token",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/userinfo",
];

/// Returns parameters that can't be parsed.
fn unreadable() -> Vec<String> {
    let many: Vec<String> = (0..100).map(|n| format!("p{n}=1")).collect();
    vec![
        "state=%FF".into(),
        "%FF=1".into(),
        "state=%C3%28".into(),
        "state=a&state=b".into(),
        "state=&state=".into(),
        "state=a&%73tate=b".into(),
        format!("state={}", "x".repeat(20_000)),
        format!("{}=1", "x".repeat(10_000)),
        many.join("&"),
    ]
}

fn methods() -> Vec<(String, &'static str)> {
    let id = "A".repeat(43);
    vec![
        ("/.well-known/openid-configuration".into(), "GET, HEAD"),
        (
            "/.well-known/oauth-authorization-server".into(),
            "GET, HEAD",
        ),
        ("/oauth2/jwks".into(), "GET, HEAD"),
        ("/oauth2/token".into(), "POST"),
        ("/oauth2/introspect".into(), "POST"),
        ("/oauth2/revoke".into(), "POST"),
        ("/oauth2/userinfo".into(), "GET, HEAD, POST"),
        ("/oauth2/authorize".into(), "GET, HEAD, POST"),
        ("/oauth2/logout".into(), "GET, HEAD, POST"),
        (format!("/oauth2/authorize/{id}"), "GET, HEAD, POST"),
        (format!("/oauth2/logout/{id}"), "GET, HEAD, POST"),
    ]
}

/// Returns the response to a request that no HTTP library would send; its last header is still incomplete.
fn exchange(server: &TestServer, head: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port(0))).expect("a connection");
    let end = b"\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(&[head, end].concat()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("a response");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Returns the page that a browser gets after posting: a sign-out request redirects to itself, so that it is sent
/// with the cookie.
fn followed(browser: &TestBrowser, posted: Answer) -> Answer {
    match posted.header("location") {
        Some(ours) if ours.starts_with("/oauth2/logout/") => browser.get(ours),
        _ => posted,
    }
}

fn with_client(app: &RelyingParty, body: &str) -> String {
    let secret = app.secret.as_deref().expect("a secret");
    format!("client_id={}&client_secret={secret}&{body}", app.id)
}

on_both! {
    fn unreadable_requests_are_refused_everywhere(server) {
        let app = server.relying_party(|_| {});
        let browser = server.browser();
        for parameters in unreadable() {
            for path in BY_QUERY {
                assert_stays(&browser.get(&format!("{path}?{parameters}")));
                assert_stays(&for_a_person(browser.request("GET", &format!("{path}?{parameters}"))));
            }
            for path in BY_BROWSERS_FORM {
                let request = browser.request("POST", path).without_same_origin();
                assert_stays(&followed(&browser, request.body(parameters.as_str(), FORM).send()));
            }
            for path in BY_FORM {
                let body = with_client(&app, &parameters);
                let request = browser.request("POST", path).without_same_origin();
                assert_refused(&request.body(body, FORM).send(), 400, "invalid_request");
            }
        }
    }

    fn an_overlong_parameter_is_refused_with_its_limit(server) {
        let app = server.relying_party(|_| {});
        let browser = server.browser();
        for (name, limit) in [("state", 16_384), ("nonce", 16_384), ("redirect_uri", 2_048), ("scope", 4_096), ("login_hint", 4_096), ("claims", 16_384), ("x", 4_096)] {
            let said = format!("{name} is too long: at most {limit} bytes");
            let parameters = format!("{name}={}", "x".repeat(limit + 1));
            for path in BY_QUERY {
                let page = for_a_person(browser.request("GET", &format!("{path}?{parameters}")));
                assert_stays(&page);
                assert!(page.text().contains(&said), "{path}: {page:?}");
            }
            for path in BY_BROWSERS_FORM {
                let request = browser.request("POST", path).without_same_origin();
                let mut page = for_a_person(request.body(parameters.as_str(), FORM));
                // The browser follows the redirect with its cookie.
                if let Some(ours) = page.header("location").map(str::to_owned) {
                    page = for_a_person(browser.request("GET", &ours));
                }
                assert!(page.text().contains(&said), "{path}: {page:?}");
            }
            for path in BY_FORM {
                let body = with_client(&app, &parameters);
                let refused = browser.request("POST", path).without_same_origin().body(body, FORM).send();
                assert_refused(&refused, 400, "invalid_request");
                assert!(refused.text().contains(&said), "{path}: {refused:?}");
            }
        }
        let many: Vec<String> = (0..61).map(|number| format!("p{number}=1")).collect();
        let page = for_a_person(browser.request("GET", &format!("/oauth2/authorize?{}", many.join("&"))));
        assert!(page.text().contains("too many parameters: at most 60"), "{page:?}");
    }

    fn a_request_head_refused_by_the_framework_gets_an_explanation(server) {
        let send = |head: String| {
            let mut connection = RawConnection::open(server.port(0), Duration::from_secs(10));
            assert!(connection.send(head));
            connection
        };
        let long = "x".repeat(66_000);
        let mut connection = send(format!("GET /oauth2/authorize?state={long} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let page = connection.answer();
        assert!(page.starts_with("HTTP/1.1 400 ") && page.contains("URL too long") && page.contains("65534 bytes"), "{page}");
        assert!(connection.is_closed());
        let mut connection = send("x\r\n\r\n".into());
        let page = connection.answer();
        assert!(page.starts_with("HTTP/1.1 400 ") && page.contains("not a valid HTTP request") && !page.contains(server.origin()), "{page}");
        // After a valid request, which is answered normally.
        let mut connection = send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".into());
        assert!(connection.answer().starts_with("HTTP/1.1 200 "));
        assert!(connection.send("GET /healthz HTTP/9.9\r\n\r\n"));
        assert!(connection.answer().contains("not a valid HTTP request"));
        // Doorward's own refusals are not replaced.
        let mut connection = send("GET /oauth2/authorize HTTP/1.1\r\nHost: localhost\r\n\r\n".into());
        let own = connection.answer();
        assert!(own.starts_with("HTTP/1.1 400 ") && own.contains("client_id is missing"), "{own}");
    }

    fn invalid_utf8_is_refused_everywhere(server) {
        let browser = server.browser();
        for bytes in [&b"state=\xff"[..], b"\xc3\x28=1", b"state=\0", b"state=%00"] {
            for path in BY_BROWSERS_FORM {
                let request = browser.request("POST", path).without_same_origin();
                assert_stays(&followed(&browser, request.body(bytes, FORM).send()));
            }
            for path in BY_FORM {
                let request = browser.request("POST", path).without_same_origin();
                assert_refused(&request.body(bytes, FORM).send(), 400, "invalid_request");
            }
        }
        for path in ["/oauth2/authorize", "/oauth2/logout", "/oauth2/userinfo", "/oauth2/jwks"] {
            assert_stays(&browser.get(&format!("{path}?state=%00")));
        }
        for bytes in [&b"\xff"[..], b"\0", b"\x01", b" ", b"\xc3\xa4"] {
            for path in BY_QUERY {
                let request = [format!("GET {path}?state=").as_bytes(), bytes, b" HTTP/1.1"].concat();
                let answer = exchange(server, &request);
                let is_good = answer.starts_with("HTTP/1.1 4") || answer.contains("location: /login");
                assert!(is_good, "{bytes:?}: {answer}");
            }
        }
    }

    fn a_non_ascii_authorization_header_is_refused(server) {
        for scheme in ["Basic", "Bearer"] {
            for bytes in [&b"\xff"[..], b"\xc3\xa4", b"\x80\x80", b"\t"] {
                for line in ["GET /oauth2/userinfo", "GET /v1/me"] {
                    let head = format!("{line} HTTP/1.1\r\nAuthorization: {scheme} ");
                    let answer = exchange(server, &[head.as_bytes(), bytes].concat());
                    assert!(answer.starts_with("HTTP/1.1 401"), "{bytes:?}: {answer}");
                }
                let head = format!("POST /oauth2/token HTTP/1.1\r\nContent-Type: {FORM}\r\nContent-Length: 0\r\nAuthorization: {scheme} ");
                let answer = exchange(server, &[head.as_bytes(), bytes].concat());
                assert!(answer.starts_with("HTTP/1.1 401"), "{bytes:?}: {answer}");
            }
        }
    }

    fn a_wrong_method_gets_405_with_allow(server) {
        let browser = server.browser();
        for (path, allowed) in methods() {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW", "TRACE"] {
                if allowed.split(", ").any(|known| known == method) {
                    continue;
                }
                let answer = browser.request(method, &path).send();
                assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
            }
            let options = browser.request("OPTIONS", &path).send();
            assert_eq!((options.status, options.header("allow")), (204, Some(allowed)), "{path}");
        }
    }

    fn a_wrong_content_type_is_refused_everywhere(server) {
        let app = server.relying_party(|_| {});
        let browser = server.browser();
        let usual = app.path(&[]);
        let usual = usual.split_once('?').expect("a query").1;
        let kinds = ["text/plain", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx", "", ";"];
        for kind in kinds {
            let post = |path: &str, body: String| -> Answer {
                browser.request("POST", path).without_same_origin().body(body, kind).send()
            };
            assert_stays(&post("/oauth2/authorize", usual.to_owned()));
            assert_stays(&post("/oauth2/logout", "state=x".into()));
            for path in BY_FORM {
                let body = with_client(&app, "grant_type=client_credentials&token=x&access_token=x");
                assert_refused(&post(path, body), 400, "invalid_request");
            }
            for path in ["/oauth2/authorize", "/oauth2/logout"] {
                let path = format!("{path}/{}", "A".repeat(43));
                let answer = browser.request("POST", &path).body("answer=allow", kind).send();
                assert!((400..500).contains(&answer.status), "{kind} {path} {answer:?}");
            }
        }
        let json = browser.request("POST", "/oauth2/token").body("{\"grant_type\": \"x\"}", FORM).send();
        assert_refused(&json, 400, "invalid_client");
        let accepted = browser.request("POST", "/oauth2/authorize").without_same_origin();
        let accepted = accepted.body(usual, "Application/X-WWW-Form-Urlencoded; charset=UTF-8").send();
        assert_eq!(accepted.status, 303, "{accepted:?}");
    }

    fn an_empty_request_is_refused(server) {
        let browser = server.browser();
        for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
            let empty = browser.request("POST", path).without_same_origin().body("", FORM).send();
            assert_refused(&empty, 400, "invalid_client");
            assert_refused(&browser.request("POST", path).send(), 400, "invalid_request");
        }
        for answer in [
            browser.get("/oauth2/authorize"),
            browser.request("POST", "/oauth2/authorize").body("", FORM).send(),
            browser.request("POST", "/oauth2/authorize").send(),
        ] {
            assert_stays(&answer);
        }
        assert_refused(&browser.get("/oauth2/userinfo"), 401, "invalid_token");
        assert_refused(&browser.request("POST", "/oauth2/userinfo").send(), 401, "invalid_token");
    }

    fn an_oversized_body_is_refused_before_it_is_read(server) {
        let browser = server.browser();
        let body = format!("state={}", "x".repeat(70_000));
        for path in BY_FORM.into_iter().chain(BY_BROWSERS_FORM) {
            let answer = browser.request("POST", path).body(body.as_str(), FORM).send();
            assert_eq!(answer.status, 413, "{path} {answer:?}");
        }
        // A body that claims to be compressed is refused without being decompressed.
        for path in BY_FORM.into_iter().chain(BY_BROWSERS_FORM) {
            for encoding in ["gzip", "deflate", "br", "zstd", "x"] {
                let request = browser.request("POST", path).body("a=b", FORM);
                let answer = request.header("Content-Encoding", encoding).send();
                assert_harmless(&answer);
            }
        }
    }

    fn unknown_request_ids_are_refused(server) {
        let browser = server.browser();
        let ids = ["x".to_owned(), "A".repeat(43), "A".repeat(5_000), "%FF".into(), "..%2f..".into(), "%22%3E%3Cscript%3Ealert(1)".into()];
        for id in ids {
            for path in ["/oauth2/authorize", "/oauth2/logout"] {
                let path = format!("{path}/{id}");
                for answer in [
                    for_a_person(browser.request("GET", &path)),
                    for_a_person(browser.request("GET", &format!("{path}?cancel=1&cancel=2&x=%FF"))),
                    for_a_person(browser.request("POST", &path).page_form(&[("answer", "allow")])),
                    for_a_person(browser.request("POST", &path).page_form(&[("answer", "<script>alert")])),
                    for_a_person(browser.request("POST", &path).page_form(&[("answer", "allow"), ("answer", "deny")])),
                ] {
                    assert!((400..500).contains(&answer.status), "{path} {answer:?}");
                    assert_harmless(&answer);
                }
            }
        }
    }
}
