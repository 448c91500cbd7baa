//! With a real host name: https, `__Host-` cookies, related origins.

use doorward::base::config::{Config, Origin};
use serde_json::json;

use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::http::TestBrowser;
use crate::support::test_server::TestServer;
use crate::support::test_user::{TestUser, sign_in};

const PUBLIC: &str = "https://id.example.com";
const RELATED: &str = "https://id.example.org";

fn with_public_host(config: &mut Config) {
    config.server.public_url = Origin::parse(PUBLIC).expect("an origin");
    config.passkeys.rp_id = "example.com".into();
    config.passkeys.related_origins = vec![Origin::parse(RELATED).expect("an origin")];
}

fn administrator(server: &TestServer) -> TestUser {
    let start =
        json!({ "setup": server.set_up_token(), "username": "root", "display_name": "Root" });
    TestUser::register(server.browser(), SoftAuthenticator::synced(PUBLIC), &start)
}

fn cookies_are_bound_to_host_and_https(server: &TestServer) {
    let mut root = administrator(server);
    let begun = server
        .browser()
        .post_json("/webauthn/login/start", &json!({}));
    let answer = root.sign_in_at(&server.browser());
    let mut cookies = answer.headers_named("set-cookie");
    cookies.extend(begun.headers_named("set-cookie"));
    for name in ["__Host-doorward-session=", "__Host-doorward-browser="] {
        let of_all = cookies.iter().find(|cookie| cookie.starts_with(name));
        let cookie = of_all.unwrap_or_else(|| panic!("{name}: {cookies:?}"));
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=31536000")
    );
    let link = root.browser.post_json("/v1/invitations", &json!({})).json();
    let url = link["url"].as_str().expect("a URL");
    assert!(url.starts_with("https://id.example.com/join/"), "{url}");
}

fn the_same_passkey_works_at_a_related_origin(server: &TestServer) {
    let mut root = administrator(server);
    let origins = server.browser().get("/.well-known/webauthn").json();
    assert_eq!(origins, json!({ "origins": [PUBLIC, RELATED] }));
    let elsewhere = TestBrowser::new(server.port(0), RELATED);
    let there = Overrides {
        origin: Some(RELATED.into()),
        ..Overrides::default()
    };
    assert_eq!(sign_in(&elsewhere, &mut root.device, &there).status, 200);
    let strange = Overrides {
        origin: Some("https://id.example.net".into()),
        ..Overrides::default()
    };
    assert_eq!(sign_in(&elsewhere, &mut root.device, &strange).status, 401);
    // A page on the related origin sends its requests to its own host, not to the public one.
    let start = |host: &str| {
        let request = elsewhere
            .request("POST", "/webauthn/login/start")
            .header("Host", host);
        request.json(&json!({})).send().status
    };
    assert_eq!(
        (start("id.example.org"), start("id.example.com")),
        (200, 403)
    );
}

#[test]
fn cookies_are_bound_to_host_and_https_embedded() {
    cookies_are_bound_to_host_and_https(&TestServer::embedded_with(with_public_host));
}

#[test]
fn cookies_are_bound_to_host_and_https_clustered() {
    cookies_are_bound_to_host_and_https(&TestServer::clustered_with(with_public_host));
}

#[test]
fn the_same_passkey_works_at_a_related_origin_embedded() {
    the_same_passkey_works_at_a_related_origin(&TestServer::embedded_with(with_public_host));
}

#[test]
fn the_same_passkey_works_at_a_related_origin_clustered() {
    the_same_passkey_works_at_a_related_origin(&TestServer::clustered_with(with_public_host));
}
