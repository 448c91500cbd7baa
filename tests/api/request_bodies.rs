//! Which request bodies are read, decided by the request head before a byte of the body is read.

use std::time::Duration;

use serde_json::json;

use crate::on_both;
use crate::support::http::{RawConnection, basic};
use crate::support::process::wait_until;
use crate::support::test_server::TestServer;

/// Less than the ten seconds that a body may take: a response within this time did not wait for the body.
const AT_ONCE: Duration = Duration::from_secs(8);

/// How many bytes of a body don't count towards the memory budget of all bodies.
const FREE: usize = 4 << 10;

fn connect(server: &TestServer) -> RawConnection {
    RawConnection::open(server.port(0), AT_ONCE)
}

/// Returns the head of a request from Doorward's own pages, to which headers can be added.
fn head(server: &TestServer, method: &str, path: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nContent-Type: application/json\r\n",
        server.config.server.public_url.authority(),
        server.origin(),
    )
}

/// Returns the response to a head whose body is never sent.
fn answer_to_head(server: &TestServer, method: &str, path: &str, headers: &[&str]) -> String {
    let mut connection = connect(server);
    let headers = headers.join("\r\n");
    connection.send(format!("{}{headers}\r\n\r\n", head(server, method, path)));
    connection.answer()
}

/// Each kind of endpoint, with the media type of its errors.
const ENDPOINTS: [(&str, &str, &str); 12] = [
    ("POST", "/webauthn/login/start", "application/problem+json"),
    ("POST", "/v1/invitations", "application/problem+json"),
    ("PATCH", "/v1/me", "application/problem+json"),
    ("POST", "/account/profile", "application/problem+json"),
    ("POST", "/nothing", "application/problem+json"),
    ("POST", "/oauth2/token", "application/json"),
    ("POST", "/oauth2/introspect", "application/json"),
    ("POST", "/oauth2/revoke", "application/json"),
    ("POST", "/oauth2/userinfo", "application/json"),
    ("POST", "/oauth2/authorize", "application/json"),
    ("POST", "/access/v1/evaluation", "text/plain; charset=utf-8"),
    (
        "POST",
        "/access/v1/evaluations",
        "text/plain; charset=utf-8",
    ),
];

fn counted(config: &mut doorward::base::config::Config) {
    config.limits.ceremonies_per_minute = 2;
    config.server.trusted_proxies =
        vec![doorward::base::config::Network::parse("127.0.0.1").expect("a network")];
}

on_both! {
    fn compressed_bodies_are_refused_before_a_byte_is_read(server) {
        for (method, path, kind) in ENDPOINTS {
            for coding in ["gzip", "br", "identity, gzip", "x-unknown"] {
                let coding = format!("Content-Encoding: {coding}");
                let answer = answer_to_head(server, method, path, &[&coding, "Content-Length: 100"]);
                assert!(answer.starts_with("HTTP/1.1 415 "), "{path} {coding}: {answer}");
                assert!(answer.contains("\r\naccept-encoding: identity\r\n"), "{answer}");
                assert!(answer.contains(&format!("\r\ncontent-type: {kind}\r\n")), "{answer}");
                let is_oauth = answer.contains(r#"{"error":"invalid_request","error_description":"#);
                assert_eq!(is_oauth, kind == "application/json", "{answer}");
            }
            let answer = answer_to_head(server, method, path, &["Content-Encoding: identity", "Content-Encoding: gzip", "Transfer-Encoding: chunked"]);
            assert!(answer.starts_with("HTTP/1.1 415 "), "{path}: {answer}");
        }
        let browser = server.browser();
        let plain = browser.request("POST", "/webauthn/login/start").header("Content-Encoding", "Identity").json(&json!({})).send();
        assert_eq!(plain.status, 200, "{}", plain.text());
        let page = browser.request("POST", "/oauth2/authorize").header("Content-Encoding", "gzip").header("Accept", "text/html")
            .body("x", "application/x-www-form-urlencoded").send();
        assert_eq!((page.status, page.header("content-type")), (415, Some("text/html; charset=utf-8")));
        // A request without a body is not refused.
        assert_eq!(browser.request("GET", "/healthz").header("Content-Encoding", "gzip").send().status, 200);
    }

    fn a_declared_length_beyond_the_limit_is_refused_at_once(server) {
        for (method, path, _) in ENDPOINTS {
            let answer = answer_to_head(server, method, path, &["Content-Length: 65537"]);
            let expected = if path == "/access/v1/evaluations" { "401" } else { "413" };
            assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{path}: {answer}");
        }
    }

    fn large_decision_requests_are_read_only_from_authenticated_clients(server) {
        let path = "/access/v1/evaluations";
        let (id, secret) = server.client(&["access:evaluate"]);
        let (other, other_secret) = server.client(&["users:read"]);
        let root = server.administrator();
        let cookie = format!("Cookie: doorward-session={}", root.browser.cookie("doorward-session").expect("a cookie"));
        let wrong = format!("Authorization: {}", basic(&id, &other_secret));
        let unscoped = format!("Authorization: {}", basic(&other, &other_secret));
        for (headers, status) in [("X-Nothing: 1", 401), (cookie.as_str(), 401), (wrong.as_str(), 401), (unscoped.as_str(), 403)] {
            let answer = answer_to_head(server, "POST", path, &[headers, "Content-Length: 100000"]);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
            // The same if no header gives the length.
            let mut connection = connect(server);
            let chunk = format!("{:x}\r\n{}\r\n", 70_000, " ".repeat(70_000));
            connection.send(format!("{}{headers}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}", head(server, "POST", path)));
            let answer = connection.answer();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
        }
        let credentials = format!("Authorization: {}", basic(&id, &secret));
        let beyond = answer_to_head(server, "POST", path, &[&credentials, "Content-Length: 524289"]);
        assert!(beyond.starts_with("HTTP/1.1 413 "), "{beyond}");
        // Authenticated when the head arrives, and checked again when the body is complete.
        let mut connection = connect(server);
        let body = format!("{}{}", json!({ "evaluations": [] }), " ".repeat(100_000));
        let (most, last) = body.split_at(body.len() - 1);
        connection.send(format!("{}{credentials}\r\nContent-Length: {}\r\n\r\n{most}", head(server, "POST", path), body.len()));
        let disabled = root.browser.post_json(&format!("/v1/clients/{id}/disable"), &json!({}));
        assert_eq!(disabled.status, 200, "{}", disabled.text());
        connection.send(last);
        let answer = connection.answer();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }

    fn unfinished_bodies_hold_no_more_than_their_budget(server) {
        const LENGTH: usize = 60_000;
        let part = " ".repeat(LENGTH);
        let mut connections: Vec<_> = (0..100)
            .map(|_| RawConnection::open(server.port(0), Duration::from_secs(30)))
            .collect();
        for connection in &mut connections {
            let head = head(server, "POST", "/webauthn/login/start");
            connection.send(format!("{head}Content-Length: {}\r\n\r\n{part}", LENGTH + 1));
        }
        let (mut refused, mut held) = (0, 0);
        for connection in &mut connections {
            let answer = connection.answer();
            if answer.starts_with("HTTP/1.1 503 ") {
                assert!(answer.contains("\r\nretry-after: 2\r\n"), "{answer}");
                assert!(answer.contains("urn:doorward:problem:overloaded"), "{answer}");
                refused += 1;
            } else {
                assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
                held += 1;
            }
        }
        assert!(held * (LENGTH - FREE) <= 4 << 20, "{held}");
        assert!(held > 50 && refused > 0, "{held} {refused}");
        // The memory that they used is free again.
        let body = format!("{{}}{part}");
        let answer = server.browser().request("POST", "/webauthn/login/start").body(body, "application/json").send();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn small_bodies_are_accepted_while_the_memory_budget_is_used_up(server) {
        let hold = |bytes: usize| {
            let mut connection = connect(server);
            let head = head(server, "POST", "/webauthn/login/start");
            connection.send(format!("{head}Content-Length: {}\r\n\r\n{}", bytes + 1, " ".repeat(bytes)));
            connection
        };
        let post = |path: &str, bytes: usize| {
            let body = format!("{{}}{}", " ".repeat(bytes));
            server.browser().request("POST", path).body(body, "application/json").send()
        };
        let is_refused = |bytes: usize| post("/oauth2/token", bytes).status == 503;
        // Fewer than the budget has room for: bodies that exceed it together are all refused.
        let mut held: Vec<_> = (0..60).map(|_| hold(60_000)).collect();
        for bytes in (5..16).rev().map(|power| FREE + (1 << power)) {
            wait_until("the budget is used up", AT_ONCE, || {
                let is_used_up = is_refused(bytes);
                if !is_used_up {
                    held.push(hold(bytes));
                }
                is_used_up
            });
        }
        let start = post("/webauthn/login/start", 0);
        assert_eq!(start.status, 200, "{}", start.text());
        let token = server.browser().request("POST", "/oauth2/token").form(&[("grant_type", "client_credentials")]).send();
        assert_eq!(token.status, 400, "{}", token.text());
        assert_eq!(post("/webauthn/login/start", FREE - 2).status, 200);
        assert!(is_refused(FREE + 64), "the budget is still used up");
        drop(held);
    }

    fn connections_stay_open_after_complete_chunked_bodies(server) {
        let start = head(server, "POST", "/webauthn/login/start");
        let chunked = format!("{start}Transfer-Encoding: chunked\r\n\r\n");
        let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut connection = connect(server);
        for _ in 0..2 {
            connection.send(format!("{chunked}2\r\n{{}}\r\n0\r\n\r\n"));
            let answer = connection.answer();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            // Refused by the handler, after the whole body was read.
            connection.send(format!("{chunked}1\r\n{{\r\n0\r\n\r\n"));
            let answer = connection.answer();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
        // Sent slowly, in parts.
        for part in [chunked.as_str(), "1\r\n{\r", "\n1\r\n}\r\n", "0\r\n"] {
            connection.send(part);
            assert_eq!(server.browser().get("/healthz").status, 200);
        }
        connection.send("\r\n");
        let answer = connection.answer();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // Pipelined.
        connection.send(format!("{chunked}2\r\n{{}}\r\n0\r\n\r\n{get}{chunked}2\r\n{{}}\r\n0\r\n\r\n{get}"));
        for _ in 0..4 {
            let answer = connection.answer();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
    }

    fn an_upgrade_request_has_the_body_of_its_content_length(server) {
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
        for path in ["/healthz", "/readyz", "/login", "/v1/session", "/.well-known/openid-configuration", "/nothing"] {
            let plain = server.browser().get(path).status;
            let answer = answer_to_head(server, "GET", path, &[upgrade.trim_end()]);
            assert!(answer.starts_with(&format!("HTTP/1.1 {plain} ")), "{path}: {answer}");
            assert!(!answer.contains("connection: upgrade"), "{answer}");
        }
        let mut connection = connect(server);
        let body = json!({}).to_string();
        connection.send(format!("{}{upgrade}Content-Length: {}\r\n\r\n{body}", head(server, "POST", "/webauthn/login/start"), body.len()));
        let answer = connection.answer();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // What follows is not parsed as a request, because the framework can't tell where this request ended.
        let mut connection = connect(server);
        let start = head(server, "POST", "/webauthn/login/start");
        connection.send(format!("{start}{upgrade}Content-Length: 2\r\n\r\n{{}}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
        let answer = connection.answer();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(connection.is_closed());
    }

    fn connect_is_answered_at_once(server) {
        let answer = answer_to_head(server, "CONNECT", "id.example.com:443", &["X-Nothing: 1"]);
        let status: u16 = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        assert!((400..500).contains(&status) && status != 408, "{answer}");
        let answer = answer_to_head(server, "CONNECT", "/v1/session", &["X-Nothing: 1"]);
        assert!(answer.starts_with("HTTP/1.1 4") && !answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    fn every_request_head_has_a_time_limit(server) {
        let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut connection = RawConnection::open(server.port(0), Duration::from_secs(20));
        connection.send(get);
        assert!(connection.answer().starts_with("HTTP/1.1 200 "));
        // The second request is never completed.
        connection.send("GET /healthz HTTP/1.1\r\nHost: ");
        assert!(connection.is_closed());
        // Sequential and pipelined requests are accepted.
        let mut connection = connect(server);
        for _ in 0..3 {
            connection.send(format!("{get}{get}"));
            assert!(connection.answer().starts_with("HTTP/1.1 200 "));
            assert!(connection.answer().starts_with("HTTP/1.1 200 "));
        }
    }
}

fn callers_are_rate_limited_before_their_body_is_read(server: &TestServer) {
    let id = uuid::Uuid::new_v4().as_u128();
    let paths = [
        "/webauthn/login/start",
        "/webauthn/login/finish",
        "/webauthn/register/start",
        "/oauth2/authorize",
        "/oauth2/logout",
    ];
    for (number, path) in paths.into_iter().enumerate() {
        // Random documentation addresses, because the shared Redis counts for all tests.
        let from = format!("X-Forwarded-For: 2001:db8:{:x}:{number:x}::1", id & 0xffff);
        for _ in 0..2 {
            // Counted only once, although the handler counts too if no body came before it.
            let body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
            let mut connection = connect(server);
            connection.send(format!("{}{from}\r\n{body}", head(server, "POST", path)));
            let answer = connection.answer();
            assert!(
                !answer.starts_with("HTTP/1.1 429 ") && answer.starts_with("HTTP/1.1 "),
                "{path}: {answer}"
            );
        }
        let refused = answer_to_head(server, "POST", path, &[&from, "Content-Length: 100"]);
        assert!(refused.starts_with("HTTP/1.1 429 "), "{path}: {refused}");
        assert!(refused.contains("\r\nretry-after: "), "{refused}");
    }
}

#[test]
fn callers_are_rate_limited_before_their_body_is_read_embedded() {
    callers_are_rate_limited_before_their_body_is_read(&TestServer::embedded_with(counted));
}

#[test]
fn callers_are_rate_limited_before_their_body_is_read_clustered() {
    callers_are_rate_limited_before_their_body_is_read(&TestServer::clustered_with(counted));
}
