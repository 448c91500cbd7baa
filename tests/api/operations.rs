//! The operator's endpoints, and headers of every response.

use serde_json::json;

use doorward::base::config::Network;

use crate::on_both;
use crate::support::http::TestBrowser;
use crate::support::test_server::TestServer;

on_both! {
    fn health_and_readiness_are_separate(server) {
        let browser = server.browser();
        assert_eq!(browser.get("/healthz").status, 200);
        assert_eq!(browser.get("/readyz").json(), json!({ "status": "ready" }));
        let operator = TestBrowser::new(server.operator_port(), server.origin());
        let details = operator.get("/readyz").json();
        assert_eq!(details["status"], "ready");
        assert_eq!(browser.get("/metrics").status, 404, "only on the operator's port");
    }

    fn metrics_name_route_patterns_and_no_secret(server) {
        let root = server.administrator();
        let token = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        root.browser.get(&format!("/join/{token}"));
        root.browser.get("/v1/users/root");
        server.browser().get("/v1/session");
        let operator = TestBrowser::new(server.operator_port(), server.origin());
        let metrics = operator.get("/metrics").text();
        assert!(metrics.contains("route=\"/v1/users/{user}\""), "{metrics}");
        assert!(metrics.contains("doorward_refusals_total{kind=\"signed-out\"} 1"), "{metrics}");
        assert!(!metrics.contains(token) && !metrics.contains("/v1/users/root"));
    }

    fn every_response_has_security_headers(server) {
        let browser = server.browser();
        for path in ["/healthz", "/v1/session", "/login", "/nothing", "/assets/style.css"] {
            let answer = browser.get(path);
            let policy = answer.header("content-security-policy").unwrap_or_default();
            assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(answer.header("referrer-policy"), Some("strict-origin"), "{path}");
            let permissions = answer.header("permissions-policy").unwrap_or_default();
            for own in ["publickey-credentials-get=(self)", "publickey-credentials-create=(self)"] {
                assert!(permissions.contains(own), "{path}: {permissions}");
            }
            assert!(answer.header("x-request-id").is_some(), "{path}");
        }
        assert_eq!(browser.get("/v1/session").header("cache-control"), Some("no-store"));
    }

    fn responses_are_compressed_on_request(server) {
        let browser = server.browser();
        let answer = browser.request("GET", "/assets/style.css").header("Accept-Encoding", "gzip").send();
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        assert!(answer.body.starts_with(&[0x1f, 0x8b]));
    }

    fn the_api_describes_itself(server) {
        let api = server.browser().get("/openapi.json").json();
        assert_eq!(api["openapi"].as_str().map(|version| &version[..1]), Some("3"));
        let root = server.administrator();
        let paths = api["paths"].as_object().expect("paths");
        assert!(paths.len() > 20, "{}", paths.len());
        for (path, methods) in paths {
            let path = path.replace(['{', '}'], "");
            for method in methods.as_object().expect("methods").keys() {
                let answer = root.browser.without_cookies().request(&method.to_uppercase(), &path).json(&json!({})).send();
                assert!(![404, 405, 500].contains(&answer.status), "{method} {path}: {}", answer.status);
            }
        }
    }

    fn the_well_known_passkey_documents_are_served(server) {
        let browser = server.browser();
        let origins = browser.get("/.well-known/webauthn").json();
        assert_eq!(origins, json!({ "origins": [server.origin()] }));
        let endpoints = browser.get("/.well-known/passkey-endpoints").json();
        assert_eq!(endpoints["enroll"], json!(format!("{}/account", server.origin())));
        assert_eq!(endpoints["manage"], endpoints["enroll"]);
    }
}

fn limited(config: &mut doorward::base::config::Config) {
    config.limits.ceremonies_per_minute = 5;
    config.server.trusted_proxies = vec![Network::parse("127.0.0.1").expect("a network")];
}

fn rate_limits_count_by_client_address(server: &TestServer) {
    // Random documentation addresses, because the shared Redis counts for all tests.
    let network = |number: u16| {
        let id = uuid::Uuid::new_v4().as_u128();
        format!("2001:db8:{:x}:{number:x}", id & 0xffff)
    };
    let start = |address: &str| {
        server
            .browser()
            .request("POST", "/webauthn/login/start")
            .header("X-Forwarded-For", address)
            .json(&json!({}))
            .send()
    };
    let (one, other) = (network(1), network(2));
    for number in 0..5 {
        assert_eq!(start(&format!("{one}::{number}")).status, 200);
    }
    let refused = start(&format!("{one}::ffff"));
    assert_eq!(refused.status, 429, "one /64 is one visitor");
    assert_eq!(refused.problem_type(), "urn:doorward:problem:rate-limited");
    let wait: u64 = refused
        .header("retry-after")
        .expect("a wait")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait));
    assert_eq!(
        start(&format!("{other}::1")).status,
        200,
        "other clients continue"
    );
    // Entries that the visitor adds before the proxy's entry have no effect.
    assert_eq!(start(&format!("{other}::9, {one}::1")).status, 429);
    server.advance_clock(wait);
    assert_eq!(start(&format!("{one}::1")).status, 200);
}

#[test]
fn rate_limits_count_by_client_address_embedded() {
    rate_limits_count_by_client_address(&TestServer::embedded_with(limited));
}

#[test]
fn rate_limits_count_by_client_address_clustered() {
    rate_limits_count_by_client_address(&TestServer::clustered_with(limited));
}

#[test]
fn forwarded_addresses_from_untrusted_clients_are_ignored() {
    let server = TestServer::embedded_with(|config| config.limits.ceremonies_per_minute = 5);
    let start = |address: &str| {
        let request = server.browser();
        let request = request
            .request("POST", "/webauthn/login/start")
            .header("X-Forwarded-For", address);
        request.json(&json!({})).send().status
    };
    for number in 0..5 {
        assert_eq!(start(&format!("203.0.113.{number}")), 200);
    }
    assert_eq!(start("203.0.113.99"), 429);
}
